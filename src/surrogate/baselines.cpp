#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include <Eigen/Cholesky>

#include <spikesweep/base/error.hpp>
#include <spikesweep/learning/dataset.hpp>
#include <spikesweep/surrogate/baselines.hpp>

#include "expected_step.hpp"

namespace spikesweep {

namespace {

/// Training rows that means and regressions are fitted on.
constexpr std::int64_t fitted_rows = 20000;
/// Rows among which the nearest-neighbour kernel draws.
constexpr int neighbours = 3;
/// Ridge, beside unit-variance features.
constexpr double ridge = 1e-3;

/// The training rows of one point.
struct point_rows {
  std::vector<double> values;
  dataset data;  ///< Standardised.
  count_matrix after;
  count_matrix times;  ///< E then I.
};

/// Reads points on demand and keeps them.
class library {
 public:
  library(const model& m, const sweep_reader& file, stop_check stop)
      : m_(m), file_(file), stop_(std::move(stop)), about_(file.description()), records_(file.records()) {
    for (std::size_t t = 0; t < records_.size(); ++t) {
      if (records_[t].state == task_state::done && about_.points.roles[records_[t].point] == point_role::train) {
        tasks_.push_back(static_cast<std::int64_t>(t));
      }
    }
    if (tasks_.empty() || about_.points.axes != m.space.axes || !(about_.sampling.layout == m.space.layout)) {
      throw input_error("the sweep file given for the baselines is not of the model's axes and states");
    }
  }

  const std::vector<std::int64_t>& tasks() const { return tasks_; }

  std::vector<double> values(std::int64_t task) const {
    const auto row = about_.points.points.row(records_[static_cast<std::size_t>(task)].point);
    return {row.data(), row.data() + row.size()};
  }

  const point_rows& task(std::int64_t task) {
    stop_if_asked(stop_);
    auto& entry = read_[task];
    if (entry.data.rows == 0) {
      const transition_block block = file_.rows_of_task(task, 0, records_[static_cast<std::size_t>(task)].rows);
      entry.values = values(task);
      append(entry.data, m_.features, m_.space.layout, parameters_at(m_.space, entry.values), entry.values, block);
      standardise(entry.data, m_.features);
      entry.after = block.after;
      entry.times.resize(block.rows(), Eigen::Index{2} * m_.space.layout.time_bins);
      entry.times << block.spike_times_E, block.spike_times_I;
    }
    return entry;
  }

  /// The task of the nearest training point.
  std::int64_t nearest(std::span<const double> at) const {
    std::int64_t best = tasks_.front();
    double least = std::numeric_limits<double>::infinity();
    for (const std::int64_t t : tasks_) {
      const double distance = squared_axis_distance(m_.space, at, values(t));
      if (distance < least) {
        least = distance;
        best = t;
      }
    }
    return best;
  }

 private:
  const model& m_;
  const sweep_reader& file_;
  stop_check stop_;
  const sweep_description& about_;
  std::vector<task_record> records_;
  std::vector<std::int64_t> tasks_;
  std::map<std::int64_t, point_rows> read_;
};

/// What the two fitted baselines predict: counts, duration, then the profile's four groups.
using target_row = Eigen::VectorXd;

target_row targets_of(const point_rows& rows, std::size_t i, std::span<const int> groups) {
  std::size_t size = count_dims + 1;
  for (const int g : groups) {
    size += static_cast<std::size_t>(g);
  }
  target_row y(static_cast<Eigen::Index>(size));
  Eigen::Index next = 0;
  for (std::size_t k = 0; k < count_dims; ++k) {
    y(next++) = rows.data.counts[i * count_dims + k];
  }
  y(next++) = rows.data.duration[i];
  const std::size_t width = size - count_dims - 1;
  for (std::size_t c = 0; c < width; ++c) {
    y(next++) = rows.data.profile[i * width + c];
  }
  return y;
}

void decode_targets(const model& m, const target_row& y, chain& c, chain_step& step) {
  const auto all = std::span(y.data(), static_cast<std::size_t>(y.size()));
  const double duration =
      m.space.learns_duration() ? std::max(all[count_dims], 1e-6) : m.space.section.interval_ms * 1e-3;
  take_expected_step(m, all.first(count_dims), duration, all.subspan(count_dims + 1), c, step);
}

kernel mean_transition(const model& m, library& rows) {
  const auto groups = m.targets.groups();
  std::array<target_row, phase_kind_count> sum;
  std::array<double, phase_kind_count> n{};
  const std::int64_t stride = std::max<std::int64_t>(
      1, static_cast<std::int64_t>(rows.tasks().size()) * rows.task(rows.tasks().front()).data.rows / fitted_rows);
  for (const std::int64_t t : rows.tasks()) {
    const auto& task = rows.task(t);
    for (std::int64_t i = 0; i < task.data.rows; i += stride) {
      const auto row = static_cast<std::size_t>(i);
      const std::size_t phase = task.data.phase[row];
      const target_row y = targets_of(task, row, groups);
      sum[phase] = n[phase] == 0 ? y : target_row(sum[phase] + y);
      n[phase] += 1;
    }
  }
  for (std::size_t k = 0; k < n.size(); ++k) {
    if (n[k] > 0) {
      sum[k] /= n[k];
    }
  }
  return [&m, sum](std::span<chain> chains, std::span<chain_step> steps) {
    for (std::size_t i = 0; i < chains.size(); ++i) {
      decode_targets(m, sum[static_cast<std::size_t>(chains[i].phase)], chains[i], steps[i]);
    }
  };
}

std::vector<float> features_of(const model& m, const chain& c) {
  std::vector<float> x(static_cast<std::size_t>(m.features.size()));
  m.features.raw(c.p, c.values, c.phase, c.state, x);
  m.features.standardise(x);
  return x;
}

kernel nearest_neighbour(const model& m, const std::shared_ptr<library>& rows) {
  return [&m, rows](std::span<chain> chains, std::span<chain_step> steps) {
    // Axes do not count in the distance of states: all rows are of the nearest point.
    const auto width = static_cast<std::size_t>(m.features.size()) - m.space.axes.size() -
                       (m.space.section.kind == section_kind::interval ? 0 : 1);
    const auto all = static_cast<std::size_t>(m.features.size());
    for (std::size_t i = 0; i < chains.size(); ++i) {
      chain& c = chains[i];
      const point_rows& near = rows->task(rows->nearest(c.values));
      const auto x = features_of(m, c);
      std::array<std::pair<float, std::size_t>, neighbours> best;
      best.fill({std::numeric_limits<float>::infinity(), 0});
      for (std::size_t r = 0; r < static_cast<std::size_t>(near.data.rows); ++r) {
        if (near.data.phase[r] != static_cast<std::uint8_t>(c.phase)) {
          continue;
        }
        const Eigen::Map<const Eigen::VectorXf> a(x.data(), static_cast<Eigen::Index>(width));
        const Eigen::Map<const Eigen::VectorXf> b(near.data.inputs.data() + r * all, static_cast<Eigen::Index>(width));
        const float d = (a - b).squaredNorm();
        if (d < best.back().first) {
          best.back() = {d, r};
          std::ranges::sort(best);
        }
      }
      const std::size_t row = best[c.stream.below(neighbours)].second;
      decode_targets(m, targets_of(near, row, m.targets.groups()), c, steps[i]);
    }
  };
}

kernel linear_regression(const model& m, library& rows) {
  const auto groups = m.targets.groups();
  const Eigen::Index width = m.features.size() + 1;
  const Eigen::Index outputs = count_dims + 1 + m.targets.profile_size();
  std::array<Eigen::MatrixXd, phase_kind_count> coefficients;
  for (std::size_t phase = 0; phase < phase_kind_count; ++phase) {
    Eigen::MatrixXd gram = Eigen::MatrixXd::Zero(width, width);
    Eigen::MatrixXd moment = Eigen::MatrixXd::Zero(width, outputs);
    Eigen::VectorXd x(width);
    double n = 0;
    const std::int64_t stride = std::max<std::int64_t>(
        1, static_cast<std::int64_t>(rows.tasks().size()) * rows.task(rows.tasks().front()).data.rows / fitted_rows);
    for (const std::int64_t t : rows.tasks()) {
      const auto& task = rows.task(t);
      for (std::int64_t i = 0; i < task.data.rows; i += stride) {
        const auto row = static_cast<std::size_t>(i);
        if (task.data.phase[row] != phase) {
          continue;
        }
        for (Eigen::Index c = 0; c + 1 < width; ++c) {
          x(c) = task.data.inputs[row * static_cast<std::size_t>(width - 1) + static_cast<std::size_t>(c)];
        }
        x(width - 1) = 1;
        gram.noalias() += x * x.transpose();
        moment.noalias() += x * targets_of(task, row, groups).transpose();
        n += 1;
      }
    }
    if (n > 0) {
      gram.diagonal().array() += ridge * n;
      coefficients[phase] = gram.selfadjointView<Eigen::Lower>().ldlt().solve(moment).transpose();
    }
  }
  return [&m, coefficients](std::span<chain> chains, std::span<chain_step> steps) {
    for (std::size_t i = 0; i < chains.size(); ++i) {
      const auto features = features_of(m, chains[i]);
      Eigen::VectorXd x(static_cast<Eigen::Index>(features.size()) + 1);
      x.head(x.size() - 1) = Eigen::Map<const Eigen::VectorXf>(features.data(), x.size() - 1).cast<double>();
      x(x.size() - 1) = 1;
      decode_targets(m, coefficients[static_cast<std::size_t>(chains[i].phase)] * x, chains[i], steps[i]);
    }
  };
}

}  // namespace

std::vector<baseline> make_baselines(const model& m, const sweep_reader& file, const stop_check& stop) {
  auto rows = std::make_shared<library>(m, file, stop);
  const auto name = [](std::size_t k) { return std::string(baseline_names[k]); };
  return {{name(0), mean_transition(m, *rows)},
          {name(1), nearest_neighbour(m, rows)},
          {name(2), linear_regression(m, *rows)}};
}

}  // namespace spikesweep
