#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <span>
#include <vector>

#include <spikesweep/network/discrete.hpp>
#include <spikesweep/network/leaping.hpp>
#include <spikesweep/network/oracle.hpp>
#include <spikesweep/network/section.hpp>
#include <spikesweep/network/transition.hpp>

namespace spikesweep {

/// A spike of a trajectory.
struct spike_record {
  double time;  ///< [s]
  int neuron;   ///< E neurons come first.
};

/// How a phase went.
struct phase_outcome {
  phase_kind kind = phase_kind::step;
  double begin = 0;          ///< [s]
  double end = 0;            ///< [s]
  bool capped = false;       ///< It ended at the section's cap.
  bool unfinished = false;   ///< The time limit or the caller cut it short.
  int pending_at_start = 0;  ///< Pending E-to-E kicks.
  int pending_peak = 0;      ///< Most pending E-to-E kicks seen at a spike.
  std::int64_t spikes_E = 0;
  std::int64_t spikes_I = 0;

  double duration() const { return end - begin; }
};

/// Cuts the trajectory of one network into phases at causal stopping times (DESIGN section 1). Copyable, so that a
/// network can be forked together with its place in the section. Its templates, and those below, are for `oracle`,
/// `leaping_network` and `discrete_network`; the latter two end phases with a step.
class phase_cutter {
 public:
  /// `mean_pool`: mean number of pending E-to-E kicks, used by `volley` alone.
  phase_cutter(const section_settings& section, const parameters& p, double mean_pool = 0);

  /// The kind of the phase that the next run() simulates.
  phase_kind next() const { return next_; }

  /// Simulates one phase. Appends its spikes to `spikes`. Stops early, unfinished, at time `limit` [s] or when `poll`,
  /// called many times a second, returns false.
  template <class Network>
  phase_outcome run(Network& net, std::vector<spike_record>& spikes, double limit,
                    const std::function<bool()>& poll = {});

  /// Puts the cutter `seconds` later: its past is as long ago then as it is now.
  void shift(double seconds);

  /// Pending E-to-E kicks of one E spike's fan-out.
  double fanout() const { return fanout_; }
  /// An active phase that counts as a grown MFE: a label for statistics, not a stopping rule.
  bool grown(const phase_outcome& phase) const;

 private:
  bool ended(double time, int pending);

  section_settings section_;
  phase_kind next_;
  // `mfe`: an E spike counts if its recurrence (see step_spike) is above `least_recurrence_`.
  double least_recurrence_;
  int start_count_;      ///< `mfe`: starts at this many in the window.
  int end_count_;        ///< `mfe`: ends at this many ...
  double end_pending_;   ///< ... with fewer pending E-to-E kicks than this.
  double window_;        ///< `mfe` [s]
  double cap_;           ///< Longest active phase [s].
  double least_growth_;  ///< An MFE that grew is longer than this [s].
  double fanout_;
  double start_level_;            ///< `volley`, pending E-to-E kicks
  double end_level_;              ///< `volley`, pending E-to-E kicks
  std::deque<double> recurrent_;  ///< `mfe`: times of the recurrent E spikes of the window [s].
};

/// Time average of the pending E-to-E kicks over `seconds` of simulation from where the network stands; stops early
/// when the pending kicks pass `max_pending`.
template <class Network>
double mean_pool(Network& net, double seconds, std::int64_t max_pending);

/// Simulates up to time `end` [s] or until `poll` returns false; true if it got there.
template <class Network>
bool run_until(Network& net, double end, std::vector<spike_record>* spikes, const std::function<bool()>& poll = {});

}  // namespace spikesweep
