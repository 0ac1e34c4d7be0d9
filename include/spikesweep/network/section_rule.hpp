#pragma once

#include <deque>
#include <limits>

#include <spikesweep/network/parameters.hpp>
#include <spikesweep/network/section.hpp>
#include <spikesweep/network/transition.hpp>

namespace spikesweep {

/// `volley` measures the mean pool over this time after the burn-in [s].
inline constexpr double mean_pool_s = 2;
/// It looks at the pool this often meanwhile: far more often than delays move the pool [s].
inline constexpr double mean_pool_every_s = 1e-4;

/// Simulated before the first phase: the burn-in, and for `volley` the measurement of the mean pool [s].
inline double lead_in_s(const section_settings& section, double burn_in_s) {
  return burn_in_s + (section.kind == section_kind::volley ? mean_pool_s : 0);
}

/// What section_rule::ended() says, as levels for a simulator that compares them in vectors. Until the next spike or
/// the next call of section_rule::levels(), the phase ends at an event at time t with n pending E-to-E kicks if
///   t <= hold, or n >= high, or (n <= low and t > expire).
/// These levels never hold.
struct stop_levels {
  double hold = -1;                                         ///< [s]
  double expire = std::numeric_limits<double>::infinity();  ///< [s]
  double low = -1;                                          ///< [kicks]
  double high = std::numeric_limits<double>::infinity();    ///< [kicks]
};

/// The rule that cuts the trajectory of one network into phases at causal stopping times: whether a phase starts or
/// ends depends on the past only. It remembers the kind of the phase that runs and, for `mfe`, the recurrent E spikes
/// of the window. A copy forks it together with its network.
class section_rule {
 public:
  /// `mean_pool`: mean number of pending E-to-E kicks, used by `volley` alone.
  section_rule(const section_settings& section, const parameters& p, double mean_pool = 0);

  /// The kind of the phase that runs.
  phase_kind phase() const { return phase_; }
  /// The latest time at which the phase that runs ends if it began at time `begin` [s]; infinity if there is none.
  double latest_end(double begin) const { return begin + longest_[static_cast<std::size_t>(phase_)]; }
  /// Whether events can end it. A step of `interval` ends at its latest end only.
  bool cuts() const { return phase_ != phase_kind::step; }
  /// The next phase runs.
  void turn() {
    if (cuts()) {
      phase_ = phase_ == phase_kind::quiet ? phase_kind::active : phase_kind::quiet;
    }
  }

  /// An E spike fired at `time` [s]; `recurrence` as in step_spike. True if it changed the levels.
  bool fired_E(double time, double recurrence) {
    if (kind_ != section_kind::mfe || !(recurrence > least_recurrence_)) {
      return false;
    }
    recurrent_.push_back(time);
    forget(time);
    return true;
  }

  /// Whether the phase that runs ends at an event at `time` [s] that leaves `pending` E-to-E kicks. Only where cuts().
  bool ended(double time, int pending) {
    if (kind_ == section_kind::volley) {
      return phase_ == phase_kind::quiet ? pending >= start_level_ && pending > 0 : pending <= end_level_;
    }
    forget(time);
    const auto count = static_cast<int>(recurrent_.size());
    return phase_ == phase_kind::quiet ? count >= start_count_ : count <= end_count_ && pending < end_pending_;
  }

  /// The same as levels, on a clock that was 0 at time `origin` [s]. For Markov networks.
  stop_levels levels(double origin) const;

  /// Puts the rule `seconds` later: its past is as long ago then as it is now.
  void shift(double seconds);

  /// Pending E-to-E kicks of one E spike's fan-out.
  double fanout() const { return fanout_; }
  /// Whether an active phase of this duration [s], in which the pending E-to-E kicks rose by `rise`, is an MFE that
  /// grew: a label for statistics, not a stopping rule.
  bool grown(double duration, int rise) const { return duration > least_growth_ && rise > grown_fanouts_ * fanout_; }

  /// What is not known from the section and the parameters that the rule was made with.
  template <class Archive>
  void serialize(Archive& archive, unsigned /*version*/) {
    archive& phase_& start_level_& end_level_& recurrent_;
  }

 private:
  /// An MFE has grown if its pending E-to-E kicks rise by more than this many fan-outs.
  static constexpr double grown_fanouts_ = 2;

  void forget(double time) {
    while (!recurrent_.empty() && recurrent_.front() < time - window_) {
      recurrent_.pop_front();
    }
  }

  section_kind kind_;
  phase_kind phase_;
  double longest_[phase_kind_count];  ///< Phase of each kind [s].
  // `mfe`: an E spike counts if its recurrence (see step_spike) is above `least_recurrence_`.
  double least_recurrence_ = 0;
  int start_count_;      ///< `mfe`: starts at this many in the window.
  int end_count_;        ///< `mfe`: ends at this many ...
  double end_pending_;   ///< ... with fewer pending E-to-E kicks than this.
  double window_;        ///< `mfe` [s]
  double least_growth_;  ///< An MFE that grew is longer than this [s].
  double fanout_;
  double start_level_;            ///< `volley`, pending E-to-E kicks
  double end_level_;              ///< `volley`, pending E-to-E kicks
  std::deque<double> recurrent_;  ///< `mfe`: times of the recurrent E spikes of the window [s].
};

}  // namespace spikesweep
