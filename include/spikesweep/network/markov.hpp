#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include <spikesweep/base/random.hpp>
#include <spikesweep/network/generator.hpp>
#include <spikesweep/network/parameters.hpp>
#include <spikesweep/network/state.hpp>

namespace spikesweep {

/// The microscopic state of one Markov network, and what a spike does to it: seven classes of events (external kicks to
/// E and I, four pools of pending kicks, refractory returns). Cai et al. 2021, Front. Comput. Neurosci. 15:678688,
/// section 2.1. Simulators derive from it and add how time goes on. Copying forks the network together with its random
/// stream.
class markov_network {
 public:
  /// Starts with potentials uniform in [0, threshold) and nothing pending. Needs valid parameters.
  markov_network(const parameters& p, random_stream stream);

  double time() const { return time_; }  ///< [s]
  std::int64_t events() const { return events_; }
  const parameters& network() const { return p_; }
  int pending(pool k) const { return list(k).count; }
  /// Of all pools. Once a pool has passed max_pending_limit, spikes add nothing any more, and this stays above it.
  std::int64_t pending() const;
  population population_of(int neuron) const { return neuron < p_.N_E ? population::E : population::I; }

  /// The coarse-grained state, written into `out` (layout.size() counts).
  void coarse_grain(const state_layout& layout, std::span<std::int32_t> out) const;

  /// Becomes a microscopic state drawn from a coarse one: potentials uniform within their bins, pending kicks on random
  /// targets. Needs a state of this network's population sizes.
  void draw_from(const state_layout& layout, state_view state);

  /// Leaves the usual trajectory, by random amounts up to the scales in perturbation.hpp: pending pools scaled by
  /// log-normal factors, potentials shifted together and jittered one by one, some neurons redrawn.
  void perturb(random_stream& stream);
  /// Goes on under other parameters, of the same population sizes; what is pending stays so. A network without a
  /// refractory time stays without.
  void change_parameters(const parameters& p);
  /// Becomes a synthetic state by random amounts up to the scales in perturbation.hpp: pending pools scaled as in a
  /// perturbation, and the modes from `first_mode` on of the voltage histograms' type-II DCTs changed (synthetic.hpp).
  void synthesize(const state_layout& layout, int first_mode, random_stream& stream);

  /// For going on later with a network that was made with the same arguments.
  template <class Archive>
  void serialize(Archive& archive, unsigned /*version*/) {
    archive& p_& random_& potential_& lists_& time_& events_& full_;
  }

 protected:
  static constexpr std::int16_t refractory_mark_ = INT16_MAX;

  // Classes of events: external kicks, the pools in their order, refractory returns.
  static constexpr std::size_t external_E_ = 0;
  static constexpr std::size_t external_I_ = 1;
  static constexpr std::size_t first_pool_ = 2;
  static constexpr std::size_t returns_ = first_pool_ + pool_count;
  static constexpr std::size_t classes_ = returns_ + 1;

  /// What events of a class happen to: each member at the same rate. External kicks happen to every neuron of a
  /// population and use up nothing; the other lists hold one entry for each event to come, in no order.
  struct event_list {
    std::vector<std::int32_t> members;  ///< The first `count` of them.
    int count = 0;
    int used_up = 1;    ///< By an event: 1 or 0.
    double rate = 0;    ///< Of one member [1/s].
    double mean_s = 0;  ///< 1 / rate, or 0.
    // The kick at potential v is weight + slope v, rounded at random to a whole number of its neighbours.
    double weight = 0;
    double slope = 0;
    int sign = 1;

    template <class Archive>
    void serialize(Archive& archive, unsigned /*version*/) {
      members.resize(static_cast<std::size_t>(count));
      archive& members& count& used_up& rate& mean_s& weight& slope& sign;
    }
  };
  static std::size_t class_of(pool k) { return first_pool_ + static_cast<std::size_t>(k); }
  event_list& list(pool k) { return lists_[class_of(k)]; }
  const event_list& list(pool k) const { return lists_[class_of(k)]; }

  static void add(event_list& to, int neuron);
  /// A spike: resets the neuron, and sends a kick to each of its targets.
  void spike(int neuron) {
    reset(neuron);
    fan_out(neuron);
  }
  void reset(int neuron);
  void fan_out(int neuron);
  /// The whole number by which a kick of this class moves a neuron at potential `v`.
  int rounded_kick(const event_list& from, int v) {
    const double weight = from.weight + from.slope * v;
    const int whole = static_cast<int>(weight);
    return whole + (random_.uniform() < weight - whole ? 1 : 0);
  }
  int first_target(pool k) const { return k == pool::EE || k == pool::EI ? 0 : p_.N_E; }
  int target_count(pool k) const { return k == pool::EE || k == pool::EI ? p_.N_E : p_.N_I; }

  parameters p_;
  event_generator random_;
  std::vector<std::int16_t> potential_;  ///< Of each neuron, or refractory_mark_.
  std::array<event_list, classes_> lists_;
  double time_ = 0;  ///< [s]
  std::int64_t events_ = 0;

 private:
  /// Sets the rates and weights of all classes of events.
  void set_classes();
  void scatter(pool k, int first, int size, double probability);
  void scale_pool(pool k, double factor, random_stream& stream);
  void add_to_any(pool k, int count);

  bool full_ = false;  ///< A pool has passed max_pending_limit.
};

}  // namespace spikesweep
