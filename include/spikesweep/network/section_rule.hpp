#pragma once

#include <algorithm>
#include <cmath>
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
/// of the window. A copy forks it together with its network. The whole rule is in this header: a new constant
/// of a section touches its struct, its row and this file.
class section_rule {
 public:
  /// `mean_pool`: mean number of pending E-to-E kicks, used by `volley` alone.
  section_rule(const section_settings& section, const parameters& p, double mean_pool = 0)
      : section_(section),
        phase_(section.kind == section_kind::interval ? phase_kind::step : phase_kind::quiet),
        fanout_(p.fanout(pool::EE)),
        limits_(limits_of(section, p)),
        start_level_(section.volley_start * mean_pool),
        end_level_(section.volley_end * mean_pool) {}

  /// The kind of the phase that runs.
  phase_kind phase() const { return phase_; }
  /// The latest time at which the phase that runs ends if it began at time `begin` [s]; infinity if there is none.
  double latest_end(double begin) const { return begin + limits_.longest[static_cast<std::size_t>(phase_)]; }
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
    if (section_.kind != section_kind::mfe || !(recurrence > limits_.least_recurrence)) {
      return false;
    }
    recurrent_.push_back(time);
    forget(time);
    return true;
  }

  /// Whether the phase that runs ends at an event at `time` [s] that leaves `pending` E-to-E kicks. Only where cuts().
  bool ended(double time, int pending) {
    if (section_.kind == section_kind::volley) {
      return phase_ == phase_kind::quiet ? pending >= start_level_ && pending > 0 : pending <= end_level_;
    }
    forget(time);
    const auto count = static_cast<int>(recurrent_.size());
    return phase_ == phase_kind::quiet ? count >= limits_.start_count
                                       : count <= limits_.end_count && pending < limits_.end_pending;
  }

  /// The same as levels, on a clock that was 0 at time `origin` [s]. For Markov networks.
  stop_levels levels(double origin) const {
    stop_levels out;
    if (!cuts()) {
      return out;
    }
    const bool quiet = phase_ == phase_kind::quiet;
    if (section_.kind == section_kind::volley) {
      if (quiet) {
        out.high = std::max(1.0, std::ceil(start_level_));
      } else {
        out.low = std::floor(end_level_);
        out.expire = -1;
      }
      return out;
    }
    // The n-th last recurrent spike leaves the window at this time.
    const auto leaves = [&](int n) {
      const auto count = static_cast<int>(recurrent_.size());
      return count < n ? -1.0 : recurrent_[static_cast<std::size_t>(count - n)] + limits_.window - origin;
    };
    if (quiet) {
      out.hold = limits_.start_count < 1 ? infinity_ : leaves(limits_.start_count);
    } else {
      out.low = std::ceil(limits_.end_pending) - 1;
      out.expire = leaves(limits_.end_count + 1);
    }
    return out;
  }

  /// Puts the rule `seconds` later: its past is as long ago then as it is now.
  void shift(double seconds) {
    for (double& time : recurrent_) {
      time += seconds;
    }
  }

  /// Pending E-to-E kicks of one E spike's fan-out.
  double fanout() const { return fanout_; }
  /// Whether an active phase of this duration [s], in which the pending E-to-E kicks rose by `rise`, is an MFE that
  /// grew: a label for statistics, not a stopping rule.
  bool grown(double duration, int rise) const {
    return duration > limits_.least_growth && rise > grown_fanouts_ * fanout_;
  }

  /// What is not known from the section and the parameters that the rule was made with.
  template <class Archive>
  void serialize(Archive& archive, unsigned /*version*/) {
    archive& phase_& start_level_& end_level_& recurrent_;
  }

 private:
  static constexpr double infinity_ = std::numeric_limits<double>::infinity();
  static constexpr double per_millisecond_ = 1e-3;
  /// Between times that are compared in steps: half of this is rounding, and far less than a step [s].
  static constexpr double time_tolerance_ = 1e-9;
  /// An MFE of a Markov network that grew lasts longer than this [s].
  static constexpr double grown_duration_ = 4e-3;
  /// An MFE has grown if its pending E-to-E kicks rise by more than this many fan-outs.
  static constexpr double grown_fanouts_ = 2;

  /// What the constants of the section are for this network.
  struct limits {
    double longest[phase_kind_count];  ///< Phase of each kind [s].
    double least_recurrence;           ///< `mfe`: an E spike counts if its recurrence (see step_spike) is above this.
    int start_count;                   ///< `mfe`: starts at this many in the window.
    int end_count;                     ///< `mfe`: ends at this many ...
    double end_pending;                ///< ... with fewer pending E-to-E kicks than this.
    double window;                     ///< `mfe` [s]
    double least_growth;               ///< An MFE that grew is longer than this [s].
  };

  static limits limits_of(const section_settings& section, const parameters& p) {
    const double interval = section.interval_ms * per_millisecond_;
    if (p.model == network_model::discrete && section.kind == section_kind::mfe) {
      return {.longest = {interval, section.discrete_cap_ms * per_millisecond_, infinity_},
              .least_recurrence = section.discrete_current,
              .start_count = section.discrete_spikes + 1,
              .end_count = section.discrete_spikes,
              .end_pending = infinity_,
              .window = section.discrete_window_ms * per_millisecond_ - time_tolerance_,
              .least_growth = 0};  // Its MFEs last less than 4 ms, large ones too.
    }
    return {.longest = {interval, section.cap_ms * per_millisecond_, infinity_},
            .least_recurrence = 0,
            .start_count = section.mfe_start,
            .end_count = section.mfe_end,
            .end_pending = section.mfe_fanouts * p.fanout(pool::EE),
            .window = section.mfe_window * p.connection_of(pool::EE).delay_ms * per_millisecond_,
            .least_growth = grown_duration_};
  }

  void forget(double time) {
    while (!recurrent_.empty() && recurrent_.front() < time - limits_.window) {
      recurrent_.pop_front();
    }
  }

  section_settings section_;
  phase_kind phase_;
  double fanout_;
  limits limits_;
  double start_level_;            ///< `volley`, pending E-to-E kicks
  double end_level_;              ///< `volley`, pending E-to-E kicks
  std::deque<double> recurrent_;  ///< `mfe`: times of the recurrent E spikes of the window [s].
};

}  // namespace spikesweep
