#include <cmath>
#include <iostream>

#include <fmt/format.h>

#include <spikesweep/base/json.hpp>
#include <spikesweep/base/table.hpp>
#include <spikesweep/parallel/collective.hpp>
#include <spikesweep/parallel/interrupt.hpp>
#include <spikesweep/parallel/launch_report.hpp>
#include <spikesweep/store/atomic_file.hpp>
#include <spikesweep/store/text_file.hpp>
#include <spikesweep/study/points_file.hpp>
#include <spikesweep/surrogate/prediction.hpp>
#include <spikesweep/sweep/design.hpp>

#include "predict_command.hpp"

namespace spikesweep {

namespace {

using axis_points = std::vector<std::vector<double>>;

/// Axes without a column keep their value in `middle`.
axis_points points_of_file(const model& m, const predict_arguments& arguments, const std::vector<double>& middle) {
  const point_list list = parse_points(read_text(arguments.points), arguments.points, m.space.axes);
  axis_points points;
  for (std::size_t i = 0; i < list.values.size(); ++i) {
    std::vector<double> values = middle;
    for (std::size_t column = 0; column < list.axes.size(); ++column) {
      values[list.axes[column]] = list.values[i][column];
    }
    const auto line = fmt::format("{}: line {}", arguments.points, list.line[i]);
    check_range(m, arguments, values, [&](std::size_t axis) {
      const auto column = std::ranges::find(list.axes, axis) - list.axes.begin();
      return column < std::ssize(list.axes) ? fmt::format("{}, column {}: ", line, column + 1) : line + ": ";
    });
    try {
      parameters_at(m.space, values);
    } catch (const input_error& error) {
      throw input_error(line + ": " + error.what());
    }
    points.push_back(std::move(values));
  }
  return points;
}

/// Points of the Sobol sequence, stretched to the trained range.
axis_points points_of_design(const model& m, int count) {
  const Eigen::MatrixXd unit = sobol_points(count, static_cast<int>(m.space.axes.size()));
  axis_points points;
  for (Eigen::Index i = 0; i < unit.rows(); ++i) {
    std::vector<double>& values = points.emplace_back();
    for (std::size_t a = 0; a < m.space.axes.size(); ++a) {
      const double share = unit(i, static_cast<Eigen::Index>(a));
      const double value = m.space.axis_min[a] + share * (m.space.axis_max[a] - m.space.axis_min[a]);
      values.push_back(find_parameter(m.space.axes[a]).whole() ? std::round(value) : value);
    }
  }
  return points;
}

void print_json_lines(const model& m, const std::vector<point_prediction>& points, const prediction_settings& s) {
  for (const auto& point : points) {
    json_object network;
    for (std::size_t a = 0; a < m.space.axes.size(); ++a) {
      network.add(m.space.axes[a], point.values[a]);
    }
    json_object line;
    json_object spread;
    for (const figure& f : compared_figures()) {
      line.add(f.name, point.figures[f]);
      spread.add(f.name, point.spread[f]);
    }
    line.add("spread", spread).add("replicates", s.replicates).add("simulated_s", s.replicates * s.run.duration_s);
    line.add("network", network).add("distance_to_training", point.distance);
    std::cout << line.text() << '\n';
  }
}

void print_csv(const model& m, const std::vector<point_prediction>& points) {
  std::string header;
  for (const std::string& axis : m.space.axes) {
    header += axis + ',';
  }
  header += "distance_to_training";
  for (const figure& f : compared_figures()) {
    header += ',' + f.name + ',' + f.name + "_spread";
  }
  std::cout << header << '\n';
  for (const auto& point : points) {
    std::string line;
    for (const double value : point.values) {
      line += fmt::format("{},", value);
    }
    line += fmt::format("{}", point.distance);
    for (const figure& f : compared_figures()) {
      line += fmt::format(",{},{}", point.figures[f], point.spread[f]);
    }
    std::cout << line << '\n';
  }
}

void print_rows(const model& m, const std::vector<point_prediction>& points) {
  std::vector<std::string> header = m.space.axes;
  for (const figure& f : compared_figures()) {
    header.push_back(f.name);
  }
  text_table table(header);
  for (const auto& point : points) {
    std::vector<std::string> row;
    for (const double value : point.values) {
      row.push_back(readable(value));
    }
    for (const figure& f : compared_figures()) {
      row.push_back(readable(point.figures[f]) +
                    (std::isfinite(point.spread[f]) ? fmt::format(" +- {:.2g}", point.spread[f]) : std::string()));
    }
    table.add_row(row);
  }
  table.print(std::cout);
}

}  // namespace

exit_code predict_many(const rank_context& job, const predict_arguments& arguments) {
  const interrupt_guard guard;
  const model m = load_model(arguments.model);
  // Every rank reads the points, and throws the same error for them.
  const std::vector<double> middle = axis_values(m, arguments);
  const axis_points points =
      arguments.design > 0 ? points_of_design(m, arguments.design) : points_of_file(m, arguments, middle);
  if (!arguments.output.empty()) {
    on_root(job.world, [&] { check_output_file(arguments.output); });
  }
  report_launch(job.world);
  prediction_settings settings;
  settings.run.duration_s = arguments.duration_s;
  settings.replicates = arguments.replicates;
  settings.hybrid = arguments.hybrid;
  settings.numbers = arguments.numbers;
  settings.keep_samples = !arguments.output.empty();
  settings.run.raster_s = settings.keep_samples ? std::min(arguments.raster_s, arguments.duration_s) : 0;
  progress_line line(job.progress());
  const auto predictions = predict_points(job.world, m, points, settings, [&](int done, int share) {
    line.update(fmt::format("predict: {} of {} points of this rank", done, share));
  });
  line.finish(fmt::format("predict: {} points done", points.size()));
  if (!arguments.output.empty()) {
    on_root(job.world, [&] { save_prediction(arguments.output, predictions, settings, m, arguments.model); });
  }
  if (job.root()) {
    if (arguments.json) {
      print_json_lines(m, predictions, settings);
    } else if (arguments.csv) {
      print_csv(m, predictions);
    } else {
      print_rows(m, predictions);
    }
  }
  return exit_code::done;
}

}  // namespace spikesweep
