#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <utility>

#include <boost/serialization/string.hpp>
#include <boost/serialization/vector.hpp>
#include <fmt/format.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/learning/emulator.hpp>
#include <spikesweep/parallel/collective.hpp>

namespace spikesweep {

namespace {

constexpr double no_value = std::numeric_limits<double>::quiet_NaN();
/// Of the tasks whose figures are read at a time.
constexpr std::int64_t tasks_at_a_time = 4096;

bool is_positive(double x) {
  return x > 0;
}

/// Whether every value is positive, and ratios are what counts.
bool suits_logarithms(const figure& f, const std::vector<double>& values) {
  const bool by_ratio = f.compared == comparison::relative || f.compared == comparison::decibel;
  return by_ratio && std::ranges::all_of(values, [](double x) { return std::isnan(x) || is_positive(x); });
}

/// What the tasks of one point say of one figure.
struct replicate_sums {
  double tasks = 0;
  double values = 0;
  double variances = 0;

  void add(double value, double standard_error) {
    if (std::isfinite(value)) {
      tasks += 1;
      values += value;
      variances += is_positive(standard_error) ? standard_error * standard_error : no_value;
    }
  }
};

/// Noise where a figure has a value and no standard error, because its task is too short to tell: the median of the
/// known ones. If none is known, hardly any: the nugget then is all noise.
double noise_of_unknown(const Eigen::VectorXd& noise, const Eigen::VectorXd& values) {
  std::vector<double> known;
  std::ranges::copy_if(noise, std::back_inserter(known), [](double x) { return std::isfinite(x); });
  if (known.empty()) {
    constexpr double hardly_any = 1e-6;  // Of the variance.
    const double variance = (values.array() - values.mean()).square().mean();
    return variance > 0 ? hardly_any * variance : hardly_any;
  }
  const auto middle = known.begin() + static_cast<std::ptrdiff_t>(known.size() / 2);
  std::ranges::nth_element(known, middle);
  return *middle;
}

/// The numbers of the training points that have a finished task, at most most_emulated_points of them.
std::vector<int> points_of(const design& points, const std::vector<task_record>& records) {
  std::vector<bool> done(static_cast<std::size_t>(points.size()));
  for (const task_record& record : records) {
    if (record.state == task_state::done && points.roles[record.point] == point_role::train) {
      done[record.point] = true;
    }
  }
  std::vector<int> all;
  for (int point = 0; point < points.size(); ++point) {
    if (done[static_cast<std::size_t>(point)]) {
      all.push_back(point);
    }
  }
  if (all.size() <= most_emulated_points) {
    return all;
  }
  std::vector<int> some;
  for (std::size_t i = 0; i < most_emulated_points; ++i) {
    some.push_back(all[i * all.size() / most_emulated_points]);
  }
  return some;
}

/// What a record tells: sweeps of older versions keep no figures.
task_figures rates_of(const task_record& record, const parameters& p) {
  task_figures out;
  for (const figure& f : predicted_figures()) {
    const bool is_rate = f.name == "rate_E_hz" || f.name == "rate_I_hz";
    const auto spikes =
        static_cast<double>(f.of_population == population::E ? record.summary.spikes_E : record.summary.spikes_I);
    out.values.push_back(is_rate ? spikes / (p.size(f.of_population) * record.summary.simulated_s) : no_value);
    out.standard_errors.push_back(no_value);
  }
  return out;
}

/// How the regression of a figure ended, for a message to the other ranks.
struct fitted_law {
  std::size_t figure = 0;
  std::vector<double> lengths;
  std::vector<double> numbers;  ///< Signal, nugget, mean, likelihood, last step.
  std::string reason;

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& figure& lengths& numbers& reason;
  }
};

Eigen::VectorXd eigen_of(const std::vector<double>& numbers) {
  return Eigen::Map<const Eigen::VectorXd>(numbers.data(), static_cast<Eigen::Index>(numbers.size()));
}

fitted_law fit(const emulator& e, std::size_t i, const std::function<bool()>& stop) {
  const emulated_figure& f = e.figures[i];
  fitted_law out;
  out.figure = i;
  const auto measured = std::ranges::count_if(f.values, [](double x) { return std::isfinite(x); });
  if (measured < 2) {
    out.reason =
        fmt::format("the sweep measured it at {} of {} training points, and 2 are needed", measured, f.values.size());
    return out;
  }
  try {
    const process_law law = gaussian_process(f.measured(e.points), e.lower, e.upper, f.name, stop).law();
    out.lengths.assign(law.lengths.begin(), law.lengths.end());
    out.numbers = {law.signal, law.nugget, law.mean, law.log_likelihood, law.last_step};
  } catch (const input_error& error) {
    out.reason = error.what();
  }
  return out;
}

void take_law(emulator& e, const fitted_law& fitted) {
  emulated_figure& f = e.figures.at(fitted.figure);
  f.reason = fitted.reason;
  if (fitted.reason.empty()) {
    const auto& n = fitted.numbers;
    f.law = process_law{eigen_of(fitted.lengths), n.at(0), n.at(1), n.at(2), n.at(3), n.at(4)};
  }
}

}  // namespace

bool emulator::usable() const {
  return std::ranges::any_of(figures, [](const emulated_figure& f) { return f.law.has_value(); });
}

measured_figure emulated_figure::measured(const Eigen::MatrixXd& points) const {
  std::vector<Eigen::Index> rows;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::isfinite(values[i])) {
      rows.push_back(static_cast<Eigen::Index>(i));
    }
  }
  measured_figure out;
  out.points = points(rows, Eigen::all);
  out.values = eigen_of(values)(rows);
  out.noise = eigen_of(standard_errors)(rows).array().square();
  if (in_logarithms) {
    out.noise = out.noise.array() / out.values.array().square();
    out.values = out.values.array().log();
  }
  if (out.values.size() > 0) {
    const double unknown = noise_of_unknown(out.noise, out.values);
    out.noise = out.noise.unaryExpr([unknown](double x) { return std::isfinite(x) ? x : unknown; });
  }
  return out;
}

emulator measure_figures(const sweep_reader& sweep) {
  const sweep_description& about = sweep.description();
  if (about.points.axes.empty()) {
    return {};
  }
  const std::vector<task_record> records = sweep.records();
  const std::vector<int> chosen = points_of(about.points, records);
  const figure_list rows = predicted_figures();
  std::vector<std::ptrdiff_t> place(static_cast<std::size_t>(about.points.size()), -1);
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    place[static_cast<std::size_t>(chosen[i])] = static_cast<std::ptrdiff_t>(i);
  }
  std::vector<std::vector<replicate_sums>> sums(rows.size(), std::vector<replicate_sums>(chosen.size()));
  const auto tasks = static_cast<std::int64_t>(records.size());
  for (std::int64_t first = 0; first < tasks; first += tasks_at_a_time) {
    const std::int64_t last = std::min(tasks, first + tasks_at_a_time);
    const std::vector<task_figures> found = sweep.figures(first, last);
    for (std::int64_t task = first; task < last; ++task) {
      const task_record& record = records[static_cast<std::size_t>(task)];
      if (record.state != task_state::done || place[record.point] < 0) {
        continue;
      }
      const task_figures& in_file = found[static_cast<std::size_t>(task - first)];
      const task_figures of_task =
          in_file.values.empty()
              ? rates_of(record, parameters_at(about.points, about.base, static_cast<int>(record.point)))
              : in_file;
      for (std::size_t k = 0; k < of_task.values.size(); ++k) {
        sums[k][static_cast<std::size_t>(place[record.point])].add(of_task.values[k], of_task.standard_errors[k]);
      }
    }
  }
  emulator out;
  out.points = about.points.points(chosen, Eigen::all);
  const std::size_t axes = about.points.axes.size();
  out.lower.resize(static_cast<Eigen::Index>(axes));
  out.upper.resize(static_cast<Eigen::Index>(axes));
  for (std::size_t a = 0; a < axes; ++a) {
    const auto i = static_cast<Eigen::Index>(a);
    // Files of version 0.1.0 have no box.
    out.lower(i) = about.points.lowest.empty() ? about.points.points.col(i).minCoeff() : about.points.lowest[a];
    out.upper(i) = about.points.highest.empty() ? about.points.points.col(i).maxCoeff() : about.points.highest[a];
  }
  for (std::size_t k = 0; k < rows.size(); ++k) {
    emulated_figure f;
    f.name = rows[k].get().name;
    for (const replicate_sums& sum : sums[k]) {
      f.values.push_back(sum.tasks > 0 ? sum.values / sum.tasks : no_value);
      f.standard_errors.push_back(sum.tasks > 0 ? std::sqrt(sum.variances) / sum.tasks : no_value);
    }
    f.in_logarithms = suits_logarithms(rows[k], f.values);
    out.figures.push_back(std::move(f));
  }
  return out;
}

void fit_emulator(const communicator& comm, emulator& to, const std::function<bool()>& stop) {
  const auto mine = on_every_rank(comm, [&] {
    std::vector<fitted_law> laws;
    const auto ranks = static_cast<std::size_t>(comm.size());
    for (auto i = static_cast<std::size_t>(comm.rank()); i < to.figures.size(); i += ranks) {
      laws.push_back(fit(to, i, stop));
    }
    return laws;
  });
  std::vector<fitted_law> all;
  collect_bytes(comm, to_bytes(mine), [&](int, std::string bytes) {
    for (auto& law : from_bytes<std::vector<fitted_law>>(std::move(bytes))) {
      all.push_back(std::move(law));
    }
  });
  broadcast(comm, all);
  for (const fitted_law& law : all) {
    take_law(to, law);
  }
}

emulation emulate(const emulator& by, const Eigen::MatrixXd& points) {
  const auto count = static_cast<std::size_t>(points.rows());
  emulation out{std::vector<run_figures>(count), std::vector<run_figures>(count)};
  for (const emulated_figure& f : by.figures) {
    if (!f.law) {
      continue;
    }
    const gaussian_process process(f.measured(by.points), by.lower, by.upper, *f.law, f.name);
    const estimated_figure found = process.predict(points);
    for (std::size_t i = 0; i < count; ++i) {
      const double value = found.values(static_cast<Eigen::Index>(i));
      const double error = found.standard_errors(static_cast<Eigen::Index>(i));
      out.figures[i][f.name] = f.in_logarithms ? std::exp(value) : value;
      out.errors[i][f.name] = f.in_logarithms ? std::exp(value) * error : error;
    }
  }
  return out;
}

}  // namespace spikesweep
