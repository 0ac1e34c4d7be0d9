#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include <spikesweep/base/random.hpp>
#include <spikesweep/network/generator.hpp>
#include <spikesweep/network/parameters.hpp>
#include <spikesweep/network/state.hpp>

namespace spikesweep {

/// What a step of the oracle did.
struct network_event {
  enum class kind { none, spike, reached } what = kind::none;  ///< `reached`: the time limit came before any event.
  int neuron = -1;                                             ///< The neuron that spiked; E neurons come first.
  bool recurrent = false;                                      ///< The spike was triggered by a recurrent E kick.
};

/// The plain exact simulator of one network: a continuous-time Markov jump process with seven classes of events
/// (external kicks to E and I, four pools of pending kicks, refractory returns). Cai et al. 2021, Front. Comput.
/// Neurosci. 15:678688, section 2.1. Faster simulators are checked against it. Copying forks the network together with
/// its random stream.
class oracle {
 public:
  /// Starts with potentials uniform in [0, threshold) and nothing pending. Needs valid parameters.
  oracle(const parameters& p, random_stream stream);

  /// Simulates the next event, unless it comes after `limit` [s]: then time() becomes the limit.
  network_event step(double limit);

  double time() const { return time_; }  ///< [s]
  std::int64_t events() const { return events_; }
  const parameters& network() const { return p_; }
  int pending(pool k) const { return list(k).count; }
  std::int64_t pending() const;
  population population_of(int neuron) const { return neuron < p_.N_E ? population::E : population::I; }

  /// The coarse-grained state, written into `out` (layout.size() counts).
  void coarse_grain(const state_layout& layout, std::span<std::int32_t> out) const;

  /// Becomes a microscopic state drawn from a coarse one: potentials uniform within their bins, pending kicks on random
  /// targets. Needs a state of this network's population sizes.
  void draw_from(const state_layout& layout, state_view state);

  /// Leaves the usual trajectory, by random amounts up to the scales in oracle.cpp: pending pools scaled by log-normal
  /// factors, potentials shifted together and jittered one by one, some neurons redrawn.
  void perturb(random_stream& stream);

 private:
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
  };
  static std::size_t class_of(pool k) { return first_pool_ + static_cast<std::size_t>(k); }
  event_list& list(pool k) { return lists_[class_of(k)]; }
  const event_list& list(pool k) const { return lists_[class_of(k)]; }

  static void add(event_list& to, int neuron);
  void spike(int neuron);
  void scatter(pool k, int first, int size, double probability);
  void scale_pool(pool k, double factor, random_stream& stream);
  int first_target(pool k) const { return k == pool::EE || k == pool::EI ? 0 : p_.N_E; }
  int target_count(pool k) const { return k == pool::EE || k == pool::EI ? p_.N_E : p_.N_I; }

  parameters p_;
  event_generator random_;
  std::vector<std::int16_t> potential_;  ///< Of each neuron, or refractory_mark_.
  std::array<event_list, classes_> lists_;
  double time_ = 0;
  double
      wait_;  ///< Until the next event, at a total rate of 1: drawn one ahead, which takes a logarithm out of the way.
  std::int64_t events_ = 0;
};

[[gnu::always_inline]] inline network_event oracle::step(double limit) {
  using kind = network_event::kind;
  std::array<double, classes_> end;  // Where the classes end in [0, total rate).
  double total = 0;
  for (std::size_t k = 0; k < classes_; ++k) {
    total += lists_[k].count * lists_[k].rate;
    end[k] = total;
  }
  if (total <= 0) {
    time_ = limit;
    return {kind::reached};
  }
  const double next = time_ + wait_ / total;
  if (next > limit) {
    wait_ = random_.exponential();
    time_ = limit;
    return {kind::reached};
  }
  time_ = next;
  ++events_;

  // One uniform number chooses the class and, by its place within the class, the member. Written without branches:
  // no processor can foresee them.
  const double x = random_.uniform() * total;
  std::size_t k = 0;
  for (std::size_t i = 0; i + 1 < classes_; ++i) {
    k += x >= end[i] ? 1 : 0;
  }
  event_list& from = lists_[k];
  const double place = from.count - (end[k] - x) * from.mean_s;
  const int index = std::min(static_cast<int>(place), from.count - 1);  // A rounding error below 0 becomes 0.
  from.count -= from.used_up;
  std::int32_t& member = from.members[static_cast<std::size_t>(index)];
  const int neuron = member;
  member = from.members[static_cast<std::size_t>(index + (from.count - index) * from.used_up)];

  wait_ = random_.exponential();
  auto& v = potential_[static_cast<std::size_t>(neuron)];
  if (k == returns_) {
    v = 0;
    return {};
  }
  const double weight = from.weight + from.slope * v;
  const int whole = static_cast<int>(weight);
  const int kick = whole + (random_.uniform() < weight - whole ? 1 : 0);
  if (v == refractory_mark_) {
    return {};
  }
  const int moved = std::max(v + from.sign * kick, reversal_potential);
  if (moved >= threshold_potential) {
    spike(neuron);
    return {kind::spike, neuron, k >= first_pool_};
  }
  v = static_cast<std::int16_t>(moved);
  return {};
}

}  // namespace spikesweep
