#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include <spikesweep/base/error.hpp>
#include <spikesweep/learning/dataset.hpp>
#include <spikesweep/parallel/collective.hpp>
#include <spikesweep/parallel/reduce.hpp>

#include "moments.hpp"

namespace spikesweep {

namespace {

/// Least standard deviations: a column that varies less is treated as constant, so that its noise is not amplified.
constexpr double feature_deviation_floor = 1e-2;
constexpr double target_deviation_floor = 1e-3;

/// The statistics from the sums and the sums of squares of the columns. `sums` holds them for one shard after another.
column_statistics statistics_of(const std::vector<double>& sums, const shard_plan& plan, std::size_t columns,
                                double floor) {
  const auto n = static_cast<double>(plan.rows);
  column_statistics out;
  for (std::size_t c = 0; c < columns; ++c) {
    double sum = 0;
    double squares = 0;
    for (std::size_t shard = 0; shard < static_cast<std::size_t>(plan.shards); ++shard) {
      sum += sums[shard * 2 * columns + c];
      squares += sums[(shard * 2 + 1) * columns + c];
    }
    const mean_and_variance column = moments_of(n, sum, squares);
    out.mean.push_back(column.mean);
    out.deviation.push_back(std::max(std::sqrt(std::max(0.0, column.variance)), floor));
  }
  return out;
}

}  // namespace

std::int64_t row_bytes(const feature_map& features, const target_map& targets) {
  using number = decltype(dataset::numbers)::value_type;
  constexpr std::size_t place = sizeof(std::uint32_t);
  constexpr std::size_t fixed =
      count_dims * sizeof(std::int32_t) + sizeof(double) + sizeof(std::uint8_t) + sizeof(number) + place;
  return static_cast<std::int64_t>(fixed +
                                   static_cast<std::size_t>(features.size() + targets.profile_size()) * sizeof(float));
}

void reserve(dataset& data, const feature_map& features, const target_map& targets, std::int64_t rows) {
  const auto n = static_cast<std::size_t>(rows);
  data.numbers.reserve(n);
  data.inputs.reserve(n * static_cast<std::size_t>(features.size()));
  data.counts.reserve(n * count_dims);
  data.duration.reserve(n);
  data.phase.reserve(n);
  data.profile.reserve(n * static_cast<std::size_t>(targets.profile_size()));
}

void clear(dataset& data) {
  data.rows = 0;
  data.numbers.clear();
  data.inputs.clear();
  data.counts.clear();
  data.duration.clear();
  data.phase.clear();
  data.profile.clear();
}

void append(dataset& data, const feature_map& features, const transition_layout& layout, const parameters& p,
            std::span<const double> axis_values, const transition_block& block) {
  data.features = features.size();
  const auto width = static_cast<std::size_t>(features.size());
  for (std::int64_t i = 0; i < block.rows(); ++i) {
    const auto row = static_cast<std::size_t>(data.rows++);
    data.inputs.resize((row + 1) * width);
    const auto kind = static_cast<phase_kind>(block.phase[static_cast<std::size_t>(i)]);
    features.raw(p, axis_values, kind, {block.before.row(i).data(), static_cast<std::size_t>(block.before.cols())},
                 std::span(data.inputs).subspan(row * width, width));
    for (int k = 0; k < 2; ++k) {
      data.counts.push_back(block.spikes(i, k));
    }
    for (int k = 0; k < pool_count; ++k) {
      data.counts.push_back(block.after(i, layout.state.pending(static_cast<pool>(k))));
    }
    data.duration.push_back(block.duration[static_cast<std::size_t>(i)]);
    data.phase.push_back(block.phase[static_cast<std::size_t>(i)]);
    for (int c = 0; c < layout.state.first_pending(); ++c) {
      data.profile.push_back(static_cast<float>(block.after(i, c)));
    }
    for (int t = 0; t < layout.time_bins; ++t) {
      data.profile.push_back(static_cast<float>(block.spike_times_E(i, t)));
    }
    for (int t = 0; t < layout.time_bins; ++t) {
      data.profile.push_back(static_cast<float>(block.spike_times_I(i, t)));
    }
    for (int c = layout.state.first_target(pool{}); c < layout.state.size(); ++c) {
      data.profile.push_back(static_cast<float>(block.after(i, c)));
    }
  }
}

void append_row(dataset& to, const dataset& from, std::int64_t row) {
  const auto copy = [row](const auto& source, auto& target, std::size_t width) {
    const auto begin = source.begin() + row * static_cast<std::int64_t>(width);
    target.insert(target.end(), begin, begin + static_cast<std::int64_t>(width));
  };
  to.features = from.features;
  copy(from.inputs, to.inputs, static_cast<std::size_t>(from.features));
  copy(from.counts, to.counts, count_dims);
  copy(from.duration, to.duration, 1);
  copy(from.phase, to.phase, 1);
  copy(from.profile, to.profile, from.profile.size() / static_cast<std::size_t>(from.rows));
  to.numbers.push_back(from.number_of(row));
  ++to.rows;
}

statistics_fit::statistics_fit(const shard_plan& plan, const feature_map& features, const target_map& targets)
    : plan_(plan),
      targets_(targets),
      width_(static_cast<std::size_t>(features.size())),
      feature_sums_(static_cast<std::size_t>(plan.shards) * 2 * width_, 0.0),
      target_sums_(static_cast<std::size_t>(plan.shards * 2 * targets.dims()), 0.0),
      lowest_(static_cast<std::size_t>(phase_kind_count * targets.dims()), std::numeric_limits<double>::infinity()),
      highest_(lowest_.size(), -std::numeric_limits<double>::infinity()) {}

void statistics_fit::add(const dataset& data) {
  const auto dims = static_cast<std::size_t>(targets_.dims());
  std::array<double, dequantised_dims> middle;
  middle.fill(0.5);
  const auto cells = static_cast<std::size_t>(targets_.profile_size());
  std::vector<double> y(dims);
  // The shard of the first row, or the shard before that one.
  int shard = data.rows > 0 ? static_cast<int>(data.number_of(0) * plan_.shards / plan_.rows) : 0;
  for (std::size_t row = 0; row < static_cast<std::size_t>(data.rows); ++row) {
    while (plan_.begin(shard + 1) <= data.number_of(static_cast<std::int64_t>(row))) {
      ++shard;
    }
    double* feature_sum = feature_sums_.data() + static_cast<std::size_t>(shard) * 2 * width_;
    double* target_sum = target_sums_.data() + static_cast<std::size_t>(shard) * 2 * dims;
    for (std::size_t c = 0; c < width_; ++c) {
      const double x = data.inputs[row * width_ + c];
      feature_sum[c] += x;
      feature_sum[width_ + c] += x * x;
    }
    const auto counts = std::span(data.counts).subspan(row * count_dims, count_dims);
    targets_.raw(counts, data.duration[row], std::span(data.profile).subspan(row * cells, cells), middle, y);
    const std::size_t phase = data.phase[row];
    for (std::size_t k = 0; k < dims; ++k) {
      target_sum[k] += y[k];
      target_sum[dims + k] += y[k] * y[k];
      const double bound = k < count_dims ? counts[k] : y[k];
      lowest_[phase * dims + k] = std::min(lowest_[phase * dims + k], bound);
      highest_[phase * dims + k] = std::max(highest_[phase * dims + k], bound);
    }
  }
}

void statistics_fit::fit(const communicator& comm, feature_map& features, target_map& targets) {
  all_reduce_sum(comm, std::span(feature_sums_));
  all_reduce_sum(comm, std::span(target_sums_));
  all_reduce_least(comm, lowest_);
  all_reduce_largest(comm, highest_);
  finish(features, targets);
}

void statistics_fit::finish(feature_map& features, target_map& targets) const {
  const auto dims = static_cast<std::size_t>(targets.dims());
  std::array<target_map::extremes, phase_kind_count> bounds;
  for (std::size_t phase = 0; phase < phase_kind_count; ++phase) {
    const auto begin = static_cast<std::ptrdiff_t>(phase * dims);
    const auto end = begin + static_cast<std::ptrdiff_t>(dims);
    bounds[phase].lowest.assign(lowest_.begin() + begin, lowest_.begin() + end);
    bounds[phase].highest.assign(highest_.begin() + begin, highest_.begin() + end);
  }
  features.set_statistics(statistics_of(feature_sums_, plan_, width_, feature_deviation_floor));
  targets.set_statistics(statistics_of(target_sums_, plan_, dims, target_deviation_floor), std::move(bounds));
}

void standardise(dataset& data, const feature_map& features, std::int64_t first) {
  const auto width = static_cast<std::size_t>(data.features);
  for (auto row = static_cast<std::size_t>(first); row < static_cast<std::size_t>(data.rows); ++row) {
    features.standardise(std::span(data.inputs).subspan(row * width, width));
  }
}

}  // namespace spikesweep
