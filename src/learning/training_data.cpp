#include <algorithm>
#include <limits>
#include <memory>

#include <fmt/format.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/learning/training_data.hpp>
#include <spikesweep/parallel/reduce.hpp>
#include <spikesweep/store/snapshot.hpp>

#include "model_check.hpp"
#include "moments.hpp"
#include "role_rows.hpp"

namespace spikesweep {

namespace {

/// A model keeps at most this many start states: enough that chains start from different states, and few enough that
/// the file stays small.
constexpr std::int64_t max_start_states = 512;

/// Every n-th training row is a dispersion row; this is n.
std::int64_t dispersion_stride(const shard_plan& plan) {
  return std::max<std::int64_t>(1, plan.rows / dispersion_rows);
}

class loader {
 public:
  loader(const communicator& comm, const std::filesystem::path& sweep_file, const learning_settings& settings, model& m)
      : comm_(comm),
        file_(std::make_shared<const sweep_reader>(open_snapshot(comm, sweep_file))),
        about_(file_->description()),
        records_(file_->records()),
        train_(std::make_shared<const role_rows>(*file_, records_, point_role::train)),
        selection_(*file_, records_, point_role::selection),
        settings_(settings),
        model_(m) {
    data_.plan = {train_->size(), settings.shards, settings.slices};
  }

  training_data run() {
    check();
    describe_space();
    model_.made_from.from = file_->digest();
    data_.chunks =
        plan_chunks(data_.plan, row_bytes(model_.features, model_.targets), about_.sampling.transitions, settings_);
    read_train();
    read_selection();
    if (data_.chunks.streams()) {
      stream();
    } else {
      standardise(data_.train, model_.features);
    }
    standardise(data_.dispersion, model_.features);
    standardise(data_.selection, model_.features);
    gather_starts();
    model_.emulator = measure_figures(*file_);
    data_.selection_points = measured_points(selection_);
    return std::move(data_);
  }

 private:
  void check() const {
    if (train_->size() == 0) {
      throw input_error("the sweep file holds no finished training point; run the sweep first");
    }
    check_shards(train_->size(), comm_.size(), settings_);
    if (settings_.patience > 0 && selection_.size() == 0) {
      throw input_error(
          fmt::format("learning.patience = {} ends the training by the loss at the selection points, but the sweep "
                      "has no finished one; use patience = 0, or sweep with design.selection_points",
                      settings_.patience));
    }
  }

  void describe_space() {
    transition_space space = space_of(about_);
    space.axis_min.assign(space.axes.size(), std::numeric_limits<double>::infinity());
    space.axis_max.assign(space.axes.size(), -std::numeric_limits<double>::infinity());
    model_.lowest_rate_E_hz = std::numeric_limits<double>::infinity();
    model_.highest_rate_E_hz = 0;
    std::vector<int> points;
    for (const auto& span : train_->tasks()) {
      const auto& record = records_[static_cast<std::size_t>(span.task)];
      const auto values = values_of(about_.points, span.point);
      if (points.empty() || points.back() != span.point) {
        points.push_back(span.point);
      }
      for (std::size_t a = 0; a < values.size(); ++a) {
        space.axis_min[a] = std::min(space.axis_min[a], values[a]);
        space.axis_max[a] = std::max(space.axis_max[a], values[a]);
      }
      const int N_E = parameters_at(about_.points, about_.base, span.point).N_E;
      const double rate = static_cast<double>(record.summary.spikes_E) / (N_E * record.summary.simulated_s);
      model_.lowest_rate_E_hz = std::min(model_.lowest_rate_E_hz, rate);
      model_.highest_rate_E_hz = std::max(model_.highest_rate_E_hz, rate);
    }
    model_.space = space;
    model_.training_points.resize(static_cast<Eigen::Index>(points.size()), about_.points.points.cols());
    for (std::size_t i = 0; i < points.size(); ++i) {
      model_.training_points.row(static_cast<Eigen::Index>(i)) = about_.points.points.row(points[i]);
    }
    model_.features = feature_map(space);
    model_.targets = target_map(space);
  }

  /// Reads the rows of this rank's shards once, for the statistics, and keeps them unless rows are streamed.
  void read_train() {
    const std::int64_t begin = data_.plan.begin(data_.plan.first_of(comm_.rank(), comm_.size()));
    const std::int64_t end = data_.plan.begin(data_.plan.first_of(comm_.rank() + 1, comm_.size()));
    statistics_fit fit(data_.plan, model_.features, model_.targets);
    const bool streams = data_.chunks.streams();
    const std::int64_t part = streams ? most_block_rows : std::max<std::int64_t>(1, end - begin);
    dataset& rows = data_.train;
    reserve(rows, model_.features, model_.targets, std::min(part, end - begin));
    reserve(data_.dispersion, model_.features, model_.targets, (end - begin) / dispersion_stride(data_.plan) + 1);
    for (std::int64_t first = begin; first < end; first += part) {
      rows.first = first;
      train_->read(model_.features, first, std::min(first + part, end), rows);
      fit.add(rows);
      add_dispersion_rows(rows, data_.plan, data_.dispersion);
      if (streams) {
        clear(rows);
      }
    }
    fit.fit(comm_, model_.features, model_.targets);
    check_phases_met(model_);
  }

  void read_selection() {
    const std::int64_t held = selection_.size();
    const std::int64_t n = std::min(held, most_selection_rows);
    const std::int64_t begin = n * comm_.rank() / comm_.size();
    const std::int64_t end = n * (comm_.rank() + 1) / comm_.size();
    reserve(data_.selection, model_.features, model_.targets, end - begin);
    dataset part;
    std::vector<std::size_t> point_of_row;
    auto task = selection_.tasks().begin();
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t row = i * held / n;
      if (part.rows == 0 || row >= part.first + part.rows) {
        clear(part);
        part.first = row;
        selection_.read(model_.features, row, std::min(row + most_block_rows, held), part);
      }
      append_row(data_.selection, part, row - part.first);
      while (row >= task->first + task->rows) {
        ++task;
      }
      point_of_row.push_back(static_cast<std::size_t>(task->point));
    }
    data_.selection.features = model_.features.size();
    find_regimes(point_of_row);
  }

  /// Finds the regimes of the points from the E spikes of the selection rows of all ranks.
  void find_regimes(const std::vector<std::size_t>& point_of_row) {
    const auto points = static_cast<std::size_t>(about_.points.size());
    // Rows, spikes and squares of spikes of each point. They are integers, so their sums are exact in any order.
    std::vector<double> sums(3 * points, 0.0);
    for (std::size_t row = 0; row < point_of_row.size(); ++row) {
      const auto spikes = static_cast<double>(data_.selection.counts[row * count_dims]);
      double* of_point = sums.data() + 3 * point_of_row[row];
      of_point[0] += 1;
      of_point[1] += spikes;
      of_point[2] += spikes * spikes;
    }
    all_reduce_sum(comm_, std::span(sums));
    std::vector<std::pair<double, std::size_t>> fano;
    for (std::size_t point = 0; point < points; ++point) {
      const double* s = sums.data() + 3 * point;
      if (s[0] > 0) {
        const auto [mean, variance] = moments_of(s[0], s[1], s[2]);
        fano.emplace_back(mean > 0 ? variance / mean : 0.0, point);
      }
    }
    std::ranges::sort(fano);
    std::vector<regime> regimes(points);
    for (std::size_t i = 0; i < fano.size(); ++i) {
      regimes[fano[i].second] = static_cast<regime>(regime_count * i / fano.size());
    }
    for (const std::size_t point : point_of_row) {
      data_.selection_regimes.push_back(regimes[point]);
    }
  }

  /// Gives the trainer a function that reads training rows, in place of the rows.
  void stream() {
    data_.train = {};
    data_.read = [file = file_, train = train_, features = model_.features](std::int64_t first, std::int64_t last,
                                                                            dataset& to) {
      const std::int64_t before = to.rows;
      train->read(features, first, last, to);
      standardise(to, features, before);
    };
  }

  /// The last rows of a task up to its last row that follows no perturbation, or up to its first row if there is none.
  transition_block up_to_start(const task_span& span) const {
    for (std::int64_t last = span.rows;;) {
      const std::int64_t first = std::max<std::int64_t>(0, last - most_block_rows);
      transition_block block = file_->rows_of_task(span.task, first, last - first);
      std::int64_t rows = block.rows();
      while (rows > 1 && block.perturbed[static_cast<std::size_t>(rows - 1)] != 0) {
        --rows;
      }
      if (first == 0 || block.perturbed[static_cast<std::size_t>(rows - 1)] == 0) {
        block.resize(about_.sampling.layout, rows);
        return block;
      }
      last = first;
    }
  }

  /// Takes some tasks, evenly spread over all tasks. The start states are the last unperturbed state of each of them,
  /// and the cloud is fitted to their states. Every rank reads all of them.
  void gather_starts() {
    const auto& tasks = train_->tasks();
    const auto n = std::min<std::int64_t>(max_start_states, static_cast<std::int64_t>(tasks.size()));
    auto& starts = model_.starts;
    starts.states.resize(n, about_.sampling.layout.state.size());
    cloud_fit cloud(about_.sampling.layout.state);
    for (std::int64_t i = 0; i < n; ++i) {
      const auto& span = tasks[static_cast<std::size_t>(i * static_cast<std::int64_t>(tasks.size()) / n)];
      const transition_block block = up_to_start(span);
      starts.states.row(i) = block.before.row(block.rows() - 1);
      starts.phase.push_back(block.phase.back());
      starts.values.push_back(values_of(about_.points, span.point));
      cloud.add(parameters_at(about_.points, about_.base, span.point), block);
    }
    model_.cloud = cloud.fit();
  }

  std::vector<measured_point> measured_points(const role_rows& role) const {
    std::vector<task_summary> sums(static_cast<std::size_t>(about_.points.size()));
    for (const auto& span : role.tasks()) {
      const auto& record = records_[static_cast<std::size_t>(span.task)];
      auto& sum = sums[record.point];
      sum.simulated_s += record.summary.simulated_s;
      sum.spikes_E += record.summary.spikes_E;
      sum.spikes_I += record.summary.spikes_I;
    }
    std::vector<measured_point> measured;
    for (int point = 0; point < about_.points.size(); ++point) {
      const auto& sum = sums[static_cast<std::size_t>(point)];
      if (sum.simulated_s <= 0) {
        continue;
      }
      const parameters p = parameters_at(about_.points, about_.base, point);
      measured.push_back({point, values_of(about_.points, point),
                          static_cast<double>(sum.spikes_E) / (p.N_E * sum.simulated_s),
                          static_cast<double>(sum.spikes_I) / (p.N_I * sum.simulated_s), 1 / (p.N_E * sum.simulated_s),
                          1 / (p.N_I * sum.simulated_s)});
    }
    return measured;
  }

  const communicator& comm_;
  std::shared_ptr<const sweep_reader> file_;
  const sweep_description& about_;
  std::vector<task_record> records_;
  std::shared_ptr<const role_rows> train_;
  role_rows selection_;
  const learning_settings& settings_;
  model& model_;
  training_data data_;
};

}  // namespace

transition_space space_of(const sweep_description& sweep) {
  transition_space space;
  space.layout = sweep.sampling.layout;
  space.section = sweep.section;
  space.simulation = sweep.sampling.simulation;
  space.base = sweep.base;
  space.axes = sweep.points.axes;
  space.box_min = sweep.points.lowest;
  space.box_max = sweep.points.highest;
  for (Eigen::Index axis = 0; axis < sweep.points.points.cols(); ++axis) {
    space.axis_min.push_back(sweep.points.points.col(axis).minCoeff());
    space.axis_max.push_back(sweep.points.points.col(axis).maxCoeff());
  }
  return space;
}

void add_dispersion_rows(const dataset& train, const shard_plan& plan, dataset& to) {
  const std::int64_t stride = dispersion_stride(plan);
  for (std::int64_t row = 0; row < train.rows; ++row) {
    if (train.number_of(row) % stride == 0) {
      append_row(to, train, row);
    }
  }
}

training_data load_training_data(const communicator& comm, const std::filesystem::path& sweep_file,
                                 const learning_settings& settings, model& m) {
  return loader(comm, sweep_file, settings, m).run();
}

}  // namespace spikesweep
