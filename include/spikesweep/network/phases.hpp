#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <vector>

#include <spikesweep/network/advance.hpp>
#include <spikesweep/network/phase_record.hpp>
#include <spikesweep/network/section_rule.hpp>

namespace spikesweep {

/// Cuts the trajectory of one network into phases by a section's rule, and notes how each phase went. A copy forks it
/// together with its network.
class phase_cutter {
 public:
  /// `mean_pool`: mean number of pending E-to-E kicks, used by `volley` alone.
  phase_cutter(const section_settings& section, const parameters& p, double mean_pool = 0)
      : rule_(section, p, mean_pool) {}

  /// The kind of the phase that runs, or that begins next.
  phase_kind next() const { return rule_.phase(); }

  /// Simulates one phase of a network that is pulled: `oracle`, or one that goes by steps, which ends phases with a
  /// step. Appends the spikes of the phase to `spikes`. Stops early, unfinished, at time `limit` [s] or when `poll`,
  /// called many times a second, returns false.
  template <class Network>
  phase_record run(Network& net, std::vector<spike_record>& spikes, double limit,
                   const std::function<bool()>& poll = {}) {
    begin(net.time(), net.pending(pool::EE));
    return go_on(net, spikes, limit, poll);
  }
  /// The rest of a phase that `poll` has stopped.
  template <class Network>
  phase_record go_on(Network& net, std::vector<spike_record>& spikes, double limit, const std::function<bool()>& poll);

  // The same in parts, for a simulator that tells what happens. Times are in seconds; `pending` counts E-to-E kicks.

  /// A phase begins. Returns the latest time at which it ends.
  double begin(double time, int pending) {
    phase_ = phase_record();
    phase_.kind = rule_.phase();
    phase_.begin = time;
    phase_.pending_at_start = phase_.pending_peak = pending;
    latest_end_ = rule_.latest_end(time);
    return latest_end_;
  }
  double latest_end() const { return latest_end_; }
  void fired_I() { ++phase_.spikes_I; }
  /// `recurrence` as in step_spike. True if the spike changed the levels.
  bool fired_E(double time, double recurrence, int pending) {
    ++phase_.spikes_E;
    phase_.pending_peak = std::max(phase_.pending_peak, pending);
    return rule_.fired_E(time, recurrence);
  }
  stop_levels levels(double origin) const { return rule_.levels(origin); }
  /// The phase ends: at an event, or at its latest end. Returns how it went.
  phase_record end(double time, bool at_latest_end) {
    phase_.end = time;
    phase_.capped = at_latest_end && phase_.kind == phase_kind::active;
    rule_.turn();
    return phase_;
  }

  /// Puts the cutter `seconds` later: its past is as long ago then as it is now.
  void shift(double seconds) { rule_.shift(seconds); }

  /// Pending E-to-E kicks of one E spike's fan-out.
  double fanout() const { return rule_.fanout(); }
  /// An active phase that counts as a grown MFE: a label for statistics, not a stopping rule.
  bool grown(const phase_record& phase) const {
    return phase.kind == phase_kind::active &&
           rule_.grown(phase.duration(), phase.pending_peak - phase.pending_at_start);
  }

  template <class Archive>
  void serialize(Archive& archive, unsigned /*version*/) {
    archive& rule_& phase_& latest_end_;
  }

 private:
  section_rule rule_;
  phase_record phase_;
  double latest_end_ = 0;  ///< Of the phase that runs [s].
};

template <class Network>
phase_record phase_cutter::go_on(Network& net, std::vector<spike_record>& spikes, double limit,
                                 const std::function<bool()>& poll) {
  const double natural_end = latest_end_;
  const double stop = std::min(natural_end, limit);
  const bool cuts = rule_.cuts();
  const auto note = [&](int neuron, double recurrence) {
    spikes.push_back({net.time(), neuron});
    if (net.population_of(neuron) == population::E) {
      fired_E(net.time(), recurrence, net.pending(pool::EE));
    } else {
      fired_I();
    }
  };
  for (std::int64_t n = 1;; ++n) {
    if (!advance(net, stop, note)) {
      if (stop < natural_end) {
        break;
      }
      return end(net.time(), true);
    }
    if (cuts && rule_.ended(net.time(), net.pending(pool::EE))) {
      return end(net.time(), false);
    }
    if (n % Network::steps_between_polls == 0 && poll && !poll()) {
      break;
    }
  }
  phase_record cut_short = phase_;
  cut_short.end = net.time();
  cut_short.unfinished = true;
  return cut_short;
}

/// Simulates up to time `end` [s] or until `poll` returns false; true if it got there. Appends the spikes to `spikes`
/// unless that is null.
template <class Network>
bool run_until(Network& net, double end, std::vector<spike_record>* spikes, const std::function<bool()>& poll = {}) {
  const auto note = [&](int neuron, double) {
    if (spikes != nullptr) {
      spikes->push_back({net.time(), neuron});
    }
  };
  for (std::int64_t n = 1;; ++n) {
    if (!advance(net, end, note)) {
      return true;
    }
    if (n % Network::steps_between_polls == 0 && poll && !poll()) {
      return false;
    }
  }
}

/// Time average of the pending E-to-E kicks over `mean_pool_s` of simulation from where the network stands. Stops early
/// when the pending kicks pass `max_pending`.
template <class Network>
double mean_pool(Network& net, std::int64_t max_pending) {
  const double begin = net.time();
  double sum = 0;
  std::int64_t samples = 0;
  while (net.time() < begin + mean_pool_s && net.pending() <= max_pending) {
    run_until(net, begin + static_cast<double>(samples + 1) * mean_pool_every_s, nullptr);
    sum += net.pending(pool::EE);
    ++samples;
  }
  return samples > 0 ? sum / static_cast<double>(samples) : 0;
}

}  // namespace spikesweep
