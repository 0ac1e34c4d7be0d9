#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include <spikesweep/base/random.hpp>
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
  oracle(const parameters& p, const random_stream& stream);

  /// Simulates the next event, unless it comes after `limit` [s]: then time() becomes the limit.
  network_event step(double limit);

  double time() const { return time_; }  ///< [s]
  std::int64_t events() const { return events_; }
  const parameters& network() const { return p_; }
  int pending(pool k) const { return static_cast<int>(pools_[static_cast<std::size_t>(k)].size()); }
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

  int round_weight(double weight);
  int inhibitory_drop(double weight, int potential);
  bool add_excitation(int neuron, int kick);
  void spike(int neuron);
  void scatter(pool k, int first, int size, double probability);
  void scale_pool(pool k, double factor, random_stream& stream);
  void release_all();
  int first_target(pool k) const { return k == pool::EE || k == pool::EI ? 0 : p_.N_E; }
  int target_count(pool k) const { return k == pool::EE || k == pool::EI ? p_.N_E : p_.N_I; }

  parameters p_;
  random_stream stream_;
  std::vector<std::int16_t> potential_;                      ///< Of each neuron, or refractory_mark_.
  std::vector<std::int32_t> refractory_;                     ///< The refractory neurons, in no order.
  std::array<std::vector<std::int32_t>, pool_count> pools_;  ///< Targets of the pending kicks, in no order.
  std::array<double, pool_count> pool_rate_;                 ///< [1/s]
  double return_rate_;                                       ///< [1/s]
  double time_ = 0;
  std::int64_t events_ = 0;
};

inline int oracle::round_weight(double weight) {
  const int whole = static_cast<int>(weight);
  const double rest = weight - whole;
  return rest > 0 && stream_.bernoulli(rest) ? whole + 1 : whole;
}

inline bool oracle::add_excitation(int neuron, int kick) {
  auto& v = potential_[static_cast<std::size_t>(neuron)];
  if (v == refractory_mark_) {
    return false;
  }
  const int raised = v + kick;
  if (raised >= threshold_potential) {
    return true;
  }
  v = static_cast<std::int16_t>(raised);
  return false;
}

inline network_event oracle::step(double limit) {
  using kind = network_event::kind;
  const double external_E = p_.N_E * p_.lambda_E;
  const double external = external_E + p_.N_I * p_.lambda_I;
  std::array<double, pool_count> rate;
  double total = external;
  for (std::size_t k = 0; k < pool_count; ++k) {
    rate[k] = static_cast<double>(pools_[k].size()) * pool_rate_[k];
    total += rate[k];
  }
  const double returns = static_cast<double>(refractory_.size()) * return_rate_;
  total += returns;
  if (total <= 0) {
    time_ = limit;
    return {kind::reached};
  }
  const double next = time_ + stream_.exponential() / total;
  if (next > limit) {
    time_ = limit;
    return {kind::reached};
  }
  time_ = next;
  ++events_;

  // One uniform number chooses the class and, by its place within the class, the member.
  double x = stream_.uniform() * total;
  const auto member = [](double place, double share, int count) {
    return std::min(static_cast<int>(place / share), count - 1);
  };
  if (x < external) {
    const bool to_E = x < external_E;
    const int neuron = to_E ? member(x, p_.lambda_E, p_.N_E) : p_.N_E + member(x - external_E, p_.lambda_I, p_.N_I);
    if (add_excitation(neuron, 1)) {
      spike(neuron);
      return {kind::spike, neuron, false};
    }
    return {};
  }
  x -= external;
  for (std::size_t k = 0; k < pool_count; ++k) {
    if (x >= rate[k]) {
      x -= rate[k];
      continue;
    }
    auto& kicks = pools_[k];
    const auto index = static_cast<std::size_t>(member(x, pool_rate_[k], static_cast<int>(kicks.size())));
    const int neuron = kicks[index];
    kicks[index] = kicks.back();
    kicks.pop_back();
    auto& v = potential_[static_cast<std::size_t>(neuron)];
    if (v == refractory_mark_) {
      return {};
    }
    switch (static_cast<pool>(k)) {
      case pool::EE:
      case pool::IE:
        if (add_excitation(neuron, round_weight(k == 0 ? p_.S_EE : p_.S_IE))) {
          spike(neuron);
          return {kind::spike, neuron, true};
        }
        return {};
      default: {
        const int drop = inhibitory_drop(static_cast<pool>(k) == pool::EI ? p_.S_EI : p_.S_II, v);
        v = static_cast<std::int16_t>(std::max(v - drop, reversal_potential));
        return {};
      }
    }
  }
  if (!refractory_.empty()) {
    const auto index = static_cast<std::size_t>(member(x, return_rate_, static_cast<int>(refractory_.size())));
    potential_[static_cast<std::size_t>(refractory_[index])] = 0;
    refractory_[index] = refractory_.back();
    refractory_.pop_back();
  }
  return {};
}

inline int oracle::inhibitory_drop(double weight, int potential) {
  if (p_.inhibition == inhibition_kind::constant) {
    return round_weight(weight);
  }
  constexpr double range = threshold_potential - reversal_potential;
  return round_weight(weight * (potential - reversal_potential) / range);
}

}  // namespace spikesweep
