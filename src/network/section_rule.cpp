#include <algorithm>
#include <cmath>

#include <spikesweep/network/section_rule.hpp>

namespace spikesweep {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double per_millisecond = 1e-3;
/// Between times that are compared in steps: half of this is rounding, and far less than a step [s].
constexpr double time_tolerance = 1e-9;
/// An MFE of a Markov network that grew lasts longer than this [s].
constexpr double grown_duration = 4e-3;

}  // namespace

std::string_view name_of(section_kind kind) {
  switch (kind) {
    case section_kind::interval:
      return "interval";
    case section_kind::mfe:
      return "mfe";
    case section_kind::volley:
      return "volley";
  }
  return "?";
}

section_rule::section_rule(const section_settings& section, const parameters& p, double mean_pool)
    : kind_(section.kind),
      phase_(section.kind == section_kind::interval ? phase_kind::step : phase_kind::quiet),
      longest_{section.interval_ms * per_millisecond, section.cap_ms * per_millisecond, infinity},
      start_count_(section.mfe_start),
      end_count_(section.mfe_end),
      end_pending_(section.mfe_fanouts * p.fanout(pool::EE)),
      window_(section.mfe_window * p.connection_of(pool::EE).delay_ms * per_millisecond),
      least_growth_(grown_duration),
      fanout_(p.fanout(pool::EE)),
      start_level_(section.volley_start * mean_pool),
      end_level_(section.volley_end * mean_pool) {
  if (p.model == network_model::discrete && section.kind == section_kind::mfe) {
    least_recurrence_ = section.discrete_current;
    start_count_ = section.discrete_spikes + 1;
    end_count_ = section.discrete_spikes;
    end_pending_ = infinity;
    window_ = section.discrete_window_ms * per_millisecond - time_tolerance;
    longest_[static_cast<std::size_t>(phase_kind::active)] = section.discrete_cap_ms * per_millisecond;
    least_growth_ = 0;  // Its MFEs last less than 4 ms, large ones too.
  }
}

stop_levels section_rule::levels(double origin) const {
  stop_levels out;
  if (!cuts()) {
    return out;
  }
  const bool quiet = phase_ == phase_kind::quiet;
  if (kind_ == section_kind::volley) {
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
    return count < n ? -1.0 : recurrent_[static_cast<std::size_t>(count - n)] + window_ - origin;
  };
  if (quiet) {
    out.hold = start_count_ < 1 ? infinity : leaves(start_count_);
  } else {
    out.low = std::ceil(end_pending_) - 1;
    out.expire = leaves(end_count_ + 1);
  }
  return out;
}

void section_rule::shift(double seconds) {
  for (double& time : recurrent_) {
    time += seconds;
  }
}

}  // namespace spikesweep
