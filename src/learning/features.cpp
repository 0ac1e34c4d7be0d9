#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include <spikesweep/base/error.hpp>
#include <spikesweep/learning/features.hpp>

#include "scaling.hpp"

namespace spikesweep {

namespace {

/// Standardised features are limited to this, so that a rare state does not give the networks inputs far outside those
/// of training.
constexpr float feature_bound = 8;

std::size_t at(int i) {
  return static_cast<std::size_t>(i);
}

}  // namespace

parameters parameters_at(const transition_space& space, std::span<const double> values) {
  SPIKESWEEP_ASSERT(values.size() == space.axes.size());
  parameters p = space.base;
  for (std::size_t a = 0; a < values.size(); ++a) {
    set_parameter(p, find_parameter(space.axes[a]), values[a]);
  }
  return p;
}

double distance_to_training(const transition_space& space, std::span<const double> values) {
  double distance = 0;
  for (std::size_t a = 0; a < values.size(); ++a) {
    const auto [lowest, highest] = space.range(a);
    const double excess = std::max({0.0, lowest - values[a], values[a] - highest});
    if (excess > 0) {
      distance =
          std::max(distance, highest > lowest ? excess / (highest - lowest) : std::numeric_limits<double>::infinity());
    }
  }
  return distance;
}

double squared_axis_distance(const transition_space& space, std::span<const double> a, std::span<const double> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double range = space.axis_max[i] - space.axis_min[i];
    if (range > 0) {
      sum += (a[i] - b[i]) * (a[i] - b[i]) / (range * range);
    } else if (a[i] != b[i]) {
      return std::numeric_limits<double>::infinity();
    }
  }
  return sum;
}

feature_map::feature_map(const transition_space& space)
    : space_(space),
      size_(2 * space.layout.state.cells() + pool_count * (2 + space.layout.state.target_cells()) +
            static_cast<int>(space.axes.size()) + (space.section.kind == section_kind::interval ? 0 : 1)) {}

void feature_map::raw(const parameters& p, std::span<const double> axis_values, phase_kind phase, state_view state,
                      std::span<float> out) const {
  const state_layout& layout = space_.layout.state;
  float* next = out.data();
  for (const population q : {population::E, population::I}) {
    const auto cells = at(layout.cells());
    root_shares(state.subspan(at(layout.first_cell(q)), cells), p.size(q), {next, cells});
    next += cells;
  }
  for (int k = 0; k < pool_count; ++k) {
    const double pending = state[at(layout.pending(static_cast<pool>(k)))];
    *next++ = static_cast<float>(std::log1p(pending));
    *next++ = static_cast<float>(pending / std::max(1.0, p.fanout(static_cast<pool>(k))));
  }
  for (int k = 0; k < pool_count; ++k) {
    const double unit = std::max(1.0, p.fanout(static_cast<pool>(k)));
    for (const std::int32_t n :
         state.subspan(at(layout.first_target(static_cast<pool>(k))), at(layout.target_cells()))) {
      *next++ = static_cast<float>(std::sqrt(n / unit));
    }
  }
  for (std::size_t a = 0; a < axis_values.size(); ++a) {
    const double range = space_.axis_max[a] - space_.axis_min[a];
    const double middle = 0.5 * (space_.axis_max[a] + space_.axis_min[a]);
    *next++ = static_cast<float>(range > 0 ? 2 * (axis_values[a] - middle) / range : 0);
  }
  if (space_.section.kind != section_kind::interval) {
    *next++ = phase == phase_kind::active ? 1.0F : -1.0F;
  }
  SPIKESWEEP_ASSERT(next == out.data() + size_);
}

void feature_map::standardise(std::span<float> features) const {
  scale_within(mean_, scale_, feature_bound, features);
}

void feature_map::set_statistics(column_statistics statistics) {
  statistics_ = std::move(statistics);
  mean_.assign(statistics_.mean.begin(), statistics_.mean.end());
  scale_.clear();
  for (const double deviation : statistics_.deviation) {
    scale_.push_back(static_cast<float>(1 / deviation));
  }
}

target_map::target_map(const transition_space& space, bool centres)
    : layout_(space.layout),
      learns_duration_(space.learns_duration()),
      has_centres_(centres),
      fixed_duration_(space.section.interval_ms * 1e-3) {}

std::vector<int> target_map::groups() const {
  std::vector<int> out{layout_.state.cells(), layout_.state.cells(), layout_.time_bins, layout_.time_bins};
  if (layout_.state.target_width > 0) {
    out.insert(out.end(), pool_count, layout_.state.target_cells());
  }
  return out;
}

int target_map::profile_size() const {
  return 2 * (layout_.state.cells() + layout_.time_bins) + pool_count * layout_.state.target_cells();
}

void target_map::raw(std::span<const std::int32_t> counts, double duration, std::span<const float> profile,
                     std::span<const double> u, std::span<double> out) const {
  for (std::size_t k = 0; k < count_dims; ++k) {
    out[k] = std::sqrt(counts[k] + u[k]);
  }
  if (learns_duration_) {
    out[count_dims] = std::log(duration);
  }
  if (!has_centres_) {
    return;
  }
  const std::array<int, centre_dims> groups{layout_.state.cells(), layout_.state.cells(), layout_.time_bins,
                                            layout_.time_bins};
  const float* count = profile.data();
  for (std::size_t k = 0; k < centre_dims; ++k) {
    double n = 0;
    double sum = 0;
    for (int cell = 0; cell < groups[k]; ++cell) {
      n += *count;
      sum += cell * static_cast<double>(*count++);
    }
    out[at(first_centre()) + k] = (sum + u[count_dims + k]) / (n * (groups[k] - 1) + 1);
  }
}

void target_map::standardise(std::span<const double> raw, std::span<float> out) const {
  for (std::size_t k = 0; k < raw.size(); ++k) {
    out[k] = static_cast<float>((raw[k] - statistics_.mean[k]) / statistics_.deviation[k]);
  }
}

double target_map::decode(phase_kind phase, std::span<const double> sample, std::span<std::int32_t> counts) const {
  const extremes& bound = bounds_[static_cast<std::size_t>(phase)];
  for (std::size_t k = 0; k < count_dims; ++k) {
    const double y = std::max(0.0, sample[k] * statistics_.deviation[k] + statistics_.mean[k]);
    counts[k] = static_cast<std::int32_t>(std::clamp(std::floor(y * y), bound.lowest[k], bound.highest[k]));
  }
  if (!learns_duration_) {
    return fixed_duration_;
  }
  const double log_duration = sample[count_dims] * statistics_.deviation[count_dims] + statistics_.mean[count_dims];
  return std::exp(std::clamp(log_duration, bound.lowest[count_dims], bound.highest[count_dims]));
}

void target_map::condition(phase_kind phase, std::span<const std::int32_t> counts, double duration,
                           std::span<const double> sample, std::span<float> out) const {
  for (std::size_t k = 0; k < count_dims; ++k) {
    out[k] = static_cast<float>((std::sqrt(counts[k] + 0.5) - statistics_.mean[k]) / statistics_.deviation[k]);
  }
  if (learns_duration_) {
    out[count_dims] =
        static_cast<float>((std::log(duration) - statistics_.mean[count_dims]) / statistics_.deviation[count_dims]);
  }
  const extremes& bound = bounds_[static_cast<std::size_t>(phase)];
  for (auto k = at(first_centre()); k < at(dims()); ++k) {
    // Where nothing fires, training has told the middle.
    const auto spikes = k < at(first_centre()) + 2 ? 1 : counts[k - at(first_centre()) - 2];
    const double raw = spikes == 0 ? 0.5 : sample[k] * statistics_.deviation[k] + statistics_.mean[k];
    out[k] = static_cast<float>((std::clamp(raw, bound.lowest[k], bound.highest[k]) - statistics_.mean[k]) /
                                statistics_.deviation[k]);
  }
}

void target_map::set_statistics(column_statistics statistics, std::array<extremes, phase_kind_count> bounds) {
  statistics_ = std::move(statistics);
  bounds_ = std::move(bounds);
}

}  // namespace spikesweep
