#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include <spikesweep/network/markov.hpp>

namespace spikesweep {

/// What a step of the oracle did.
struct network_event {
  enum class kind { none, spike, reached } what = kind::none;  ///< `reached`: the time limit came before any event.
  int neuron = -1;                                             ///< The neuron that spiked; E neurons come first.
  bool recurrent = false;                                      ///< The spike was triggered by a recurrent E kick.
};

/// The plain exact simulator of one Markov network, one event after another. Faster simulators are checked against it.
class oracle : public markov_network {
 public:
  /// Steps, one event each, after which a caller is asked whether to go on.
  static constexpr std::int64_t steps_between_polls = 4096;

  oracle(const parameters& p, random_stream stream) : markov_network(p, stream), wait_(random_.exponential()) {}

  /// Simulates the next event, unless it comes after `limit` [s]: then time() becomes the limit.
  network_event step(double limit);
  /// Whether no time is left until `limit` [s].
  bool reached(double limit) const { return time_ >= limit; }

  template <class Archive>
  void serialize(Archive& archive, unsigned version) {
    markov_network::serialize(archive, version);
    archive& wait_;
  }

 private:
  double
      wait_;  ///< Until the next event, at a total rate of 1: drawn one ahead, which takes a logarithm out of the way.
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
  const int kick = rounded_kick(from, v);
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
