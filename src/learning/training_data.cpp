#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/learning/training_data.hpp>

namespace spikesweep {

namespace {

namespace mpi = boost::mpi;

/// Start states kept in a model: enough that chains start apart, few enough that the file stays small.
constexpr std::int64_t max_start_states = 512;

/// The finished tasks of one role, with the number of their first row in that role's global order.
struct task_span {
  std::int64_t task = 0;
  std::int64_t first = 0;
  std::int64_t rows = 0;
};

std::vector<task_span> finished(const std::vector<task_record>& records, const design& points, point_role role) {
  std::vector<task_span> spans;
  std::int64_t next = 0;
  for (std::size_t t = 0; t < records.size(); ++t) {
    const auto& record = records[t];
    if (record.state == task_state::done && points.roles[record.point] == role) {
      spans.push_back({static_cast<std::int64_t>(t), next, record.rows});
      next += record.rows;
    }
  }
  return spans;
}

std::int64_t rows_of(const std::vector<task_span>& spans) {
  return spans.empty() ? 0 : spans.back().first + spans.back().rows;
}

std::vector<double> values_of(const design& points, int point) {
  std::vector<double> values;
  for (Eigen::Index a = 0; a < points.points.cols(); ++a) {
    values.push_back(points.points(point, a));
  }
  return values;
}

transition_block slice(const transition_block& block, const transition_layout& layout, std::int64_t first,
                       std::int64_t rows) {
  transition_block out(layout, rows);
  out.before = block.before.middleRows(first, rows);
  out.after = block.after.middleRows(first, rows);
  out.spikes = block.spikes.middleRows(first, rows);
  out.spike_times_E = block.spike_times_E.middleRows(first, rows);
  out.spike_times_I = block.spike_times_I.middleRows(first, rows);
  const auto copy = [&](const auto& from, auto& to) { std::copy_n(from.begin() + first, rows, to.begin()); };
  copy(block.duration, out.duration);
  copy(block.phase, out.phase);
  copy(block.perturbed, out.perturbed);
  copy(block.capped, out.capped);
  return out;
}

class loader {
 public:
  loader(const mpi::communicator& comm, const sweep_reader& file, const learning_settings& settings, model& m)
      : comm_(comm), file_(file), about_(file.description()), records_(file.records()), model_(m) {
    data_.plan.shards = settings.shards;
    data_.plan.wanted_slices = settings.slices;
  }

  training_data run() {
    const auto train = finished(records_, about_.points, point_role::train);
    const auto selection = finished(records_, about_.points, point_role::selection);
    data_.plan.rows = rows_of(train);
    check(train);
    describe_space(train);
    const int rank = comm_.rank();
    const int ranks = comm_.size();
    read(train, data_.plan.begin(data_.plan.first_of(rank, ranks)),
         data_.plan.begin(data_.plan.first_of(rank + 1, ranks)), data_.train);
    const std::int64_t held = rows_of(selection);
    read(selection, held * rank / ranks, held * (rank + 1) / ranks, data_.selection);
    fit_statistics(comm_, data_.train, data_.plan, model_.features, model_.targets);
    standardise(data_.train, model_.features);
    standardise(data_.selection, model_.features);
    gather_starts(train);
    measure_selection_points(selection);
    return std::move(data_);
  }

 private:
  void check(const std::vector<task_span>& train) const {
    if (train.empty()) {
      throw input_error("the sweep file holds no finished training point; run the sweep first");
    }
    if (data_.plan.rows < data_.plan.shards) {
      throw input_error(
          fmt::format("{} training rows cannot be cut into learning.shards = {} parts; allowed: at most {}",
                      data_.plan.rows, data_.plan.shards, data_.plan.rows));
    }
    if (comm_.size() > data_.plan.shards) {
      throw input_error(fmt::format("{} ranks cannot share learning.shards = {}; use at most as many ranks as shards",
                                    comm_.size(), data_.plan.shards));
    }
  }

  void describe_space(const std::vector<task_span>& train) {
    transition_space space;
    space.layout = about_.sampling.layout;
    space.section = about_.section;
    space.base = about_.base;
    space.axes = about_.points.axes;
    space.axis_min.assign(space.axes.size(), std::numeric_limits<double>::infinity());
    space.axis_max.assign(space.axes.size(), -std::numeric_limits<double>::infinity());
    model_.lowest_rate_E_hz = std::numeric_limits<double>::infinity();
    model_.highest_rate_E_hz = 0;
    for (const auto& span : train) {
      const auto& record = records_[static_cast<std::size_t>(span.task)];
      const auto values = values_of(about_.points, static_cast<int>(record.point));
      for (std::size_t a = 0; a < values.size(); ++a) {
        space.axis_min[a] = std::min(space.axis_min[a], values[a]);
        space.axis_max[a] = std::max(space.axis_max[a], values[a]);
      }
      const int N_E = parameters_at(about_.points, about_.base, static_cast<int>(record.point)).N_E;
      const double rate = static_cast<double>(record.summary.spikes_E) / (N_E * record.summary.simulated_s);
      model_.lowest_rate_E_hz = std::min(model_.lowest_rate_E_hz, rate);
      model_.highest_rate_E_hz = std::max(model_.highest_rate_E_hz, rate);
    }
    model_.space = space;
    model_.features = feature_map(space);
    model_.targets = target_map(space);
  }

  /// Reads rows [begin, end) of a role's global order.
  void read(const std::vector<task_span>& spans, std::int64_t begin, std::int64_t end, dataset& out) {
    out.first = begin;
    out.features = model_.features.size();
    for (const auto& span : spans) {
      const std::int64_t first = std::max(begin, span.first) - span.first;
      const std::int64_t last = std::min(end, span.first + span.rows) - span.first;
      if (first >= last) {
        continue;
      }
      const sweep_rows rows = file_.read_rows(span.task, span.task + 1);
      const auto point = static_cast<int>(records_[static_cast<std::size_t>(span.task)].point);
      append(out, model_.features, about_.sampling.layout, parameters_at(about_.points, about_.base, point),
             values_of(about_.points, point), slice(rows.block, about_.sampling.layout, first, last - first));
    }
  }

  /// The last state of each of some tasks, spread evenly over them; every rank reads them all.
  void gather_starts(const std::vector<task_span>& train) {
    const auto n = std::min<std::int64_t>(max_start_states, static_cast<std::int64_t>(train.size()));
    auto& starts = model_.starts;
    starts.states.resize(n, about_.sampling.layout.state.size());
    for (std::int64_t i = 0; i < n; ++i) {
      const auto& span = train[static_cast<std::size_t>(i * static_cast<std::int64_t>(train.size()) / n)];
      const sweep_rows rows = file_.read_rows(span.task, span.task + 1);
      std::int64_t row = rows.block.rows() - 1;
      while (row > 0 && rows.block.perturbed[static_cast<std::size_t>(row)] != 0) {
        --row;
      }
      starts.states.row(i) = rows.block.before.row(row);
      starts.phase.push_back(rows.block.phase[static_cast<std::size_t>(row)]);
      starts.values.push_back(
          values_of(about_.points, static_cast<int>(records_[static_cast<std::size_t>(span.task)].point)));
    }
  }

  void measure_selection_points(const std::vector<task_span>& selection) {
    std::vector<task_summary> sums(static_cast<std::size_t>(about_.points.size()));
    for (const auto& span : selection) {
      const auto& record = records_[static_cast<std::size_t>(span.task)];
      auto& sum = sums[record.point];
      sum.simulated_s += record.summary.simulated_s;
      sum.spikes_E += record.summary.spikes_E;
      sum.spikes_I += record.summary.spikes_I;
    }
    for (int point = 0; point < about_.points.size(); ++point) {
      const auto& sum = sums[static_cast<std::size_t>(point)];
      if (sum.simulated_s <= 0 || sum.spikes_E == 0 || sum.spikes_I == 0) {
        continue;  // A silent network has no relative error.
      }
      const parameters p = parameters_at(about_.points, about_.base, point);
      data_.selection_points.push_back({point, values_of(about_.points, point),
                                        static_cast<double>(sum.spikes_E) / (p.N_E * sum.simulated_s),
                                        static_cast<double>(sum.spikes_I) / (p.N_I * sum.simulated_s)});
    }
  }

  const mpi::communicator& comm_;
  const sweep_reader& file_;
  const sweep_description& about_;
  std::vector<task_record> records_;
  model& model_;
  training_data data_;
};

}  // namespace

training_data load_training_data(const mpi::communicator& comm, const sweep_reader& file,
                                 const learning_settings& settings, model& m) {
  return loader(comm, file, settings, m).run();
}

}  // namespace spikesweep
