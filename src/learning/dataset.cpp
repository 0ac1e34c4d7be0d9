#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>

#include <boost/mpi/collectives.hpp>

#include <spikesweep/base/error.hpp>
#include <spikesweep/learning/dataset.hpp>

namespace spikesweep {

namespace {

/// Columns that vary less than this share of a typical one are taken as constant and not blown up.
constexpr double feature_deviation_floor = 1e-2;
constexpr double target_deviation_floor = 1e-3;

namespace mpi = boost::mpi;

template <class Operation>
void reduce_all(const mpi::communicator& comm, std::vector<double>& values, Operation operation) {
  std::vector<double> out(values.size());
  mpi::all_reduce(comm, values.data(), static_cast<int>(values.size()), out.data(), operation);
  values = std::move(out);
}

/// From the sums and sums of squares of the columns of each shard, one shard after another.
column_statistics finish(const std::vector<double>& sums, const shard_plan& plan, std::size_t columns, double floor) {
  const auto n = static_cast<double>(plan.rows);
  column_statistics out;
  for (std::size_t c = 0; c < columns; ++c) {
    double sum = 0;
    double squares = 0;
    for (std::size_t shard = 0; shard < static_cast<std::size_t>(plan.shards); ++shard) {
      sum += sums[shard * 2 * columns + c];
      squares += sums[(shard * 2 + 1) * columns + c];
    }
    const double mean = sum / n;
    out.mean.push_back(mean);
    out.deviation.push_back(std::max(std::sqrt(std::max(0.0, squares / n - mean * mean)), floor));
  }
  return out;
}

}  // namespace

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
  }
}

void fit_statistics(const mpi::communicator& comm, const dataset& data, const shard_plan& plan, feature_map& features,
                    target_map& targets) {
  const auto width = static_cast<std::size_t>(features.size());
  const auto dims = static_cast<std::size_t>(targets.dims());
  const auto shards = static_cast<std::size_t>(plan.shards);
  std::vector<double> feature_sums(shards * 2 * width, 0.0);
  std::vector<double> target_sums(shards * 2 * dims, 0.0);
  constexpr double inf = std::numeric_limits<double>::infinity();
  std::vector<double> lowest(phase_kind_count * dims, inf);
  std::vector<double> highest(phase_kind_count * dims, -inf);
  const std::array<double, count_dims> middle{0.5, 0.5, 0.5, 0.5, 0.5, 0.5};
  std::vector<double> y(dims);
  int shard = 0;
  for (std::size_t row = 0; row < static_cast<std::size_t>(data.rows); ++row) {
    while (plan.begin(shard + 1) <= data.first + static_cast<std::int64_t>(row)) {
      ++shard;
    }
    double* feature_sum = feature_sums.data() + static_cast<std::size_t>(shard) * 2 * width;
    double* target_sum = target_sums.data() + static_cast<std::size_t>(shard) * 2 * dims;
    for (std::size_t c = 0; c < width; ++c) {
      const double x = data.inputs[row * width + c];
      feature_sum[c] += x;
      feature_sum[width + c] += x * x;
    }
    const auto counts = std::span(data.counts).subspan(row * count_dims, count_dims);
    targets.raw(counts, data.duration[row], middle, y);
    const std::size_t phase = data.phase[row];
    for (std::size_t k = 0; k < dims; ++k) {
      target_sum[k] += y[k];
      target_sum[dims + k] += y[k] * y[k];
      const double bound = k < count_dims ? counts[k] : y[k];
      lowest[phase * dims + k] = std::min(lowest[phase * dims + k], bound);
      highest[phase * dims + k] = std::max(highest[phase * dims + k], bound);
    }
  }
  reduce_all(comm, feature_sums, std::plus<double>());
  reduce_all(comm, target_sums, std::plus<double>());
  reduce_all(comm, lowest, mpi::minimum<double>());
  reduce_all(comm, highest, mpi::maximum<double>());
  std::array<target_map::extremes, phase_kind_count> bounds;
  for (std::size_t phase = 0; phase < phase_kind_count; ++phase) {
    const auto begin = static_cast<std::ptrdiff_t>(phase * dims);
    const auto end = begin + static_cast<std::ptrdiff_t>(dims);
    bounds[phase].lowest.assign(lowest.begin() + begin, lowest.begin() + end);
    bounds[phase].highest.assign(highest.begin() + begin, highest.begin() + end);
  }
  features.set_statistics(finish(feature_sums, plan, width, feature_deviation_floor));
  targets.set_statistics(finish(target_sums, plan, dims, target_deviation_floor), std::move(bounds));
}

void standardise(dataset& data, const feature_map& features) {
  const auto width = static_cast<std::size_t>(data.features);
  for (std::size_t row = 0; row < static_cast<std::size_t>(data.rows); ++row) {
    features.standardise(std::span(data.inputs).subspan(row * width, width));
  }
}

}  // namespace spikesweep
