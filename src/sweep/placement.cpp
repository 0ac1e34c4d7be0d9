#include "placement.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include <boost/random/sobol.hpp>

#include <spikesweep/base/error.hpp>
#include <spikesweep/base/random.hpp>

namespace spikesweep {

namespace {

void check_range(const axis_settings& axis, const parameter_info& info) {
  const std::string range = '[' + number_text(axis.minimum) + ", " + number_text(axis.maximum) + ']';
  if (!(axis.minimum < axis.maximum)) {
    throw input_error("axis " + axis.parameter + ": the range " + range + " is empty");
  }
  if (axis.minimum < info.minimum || axis.maximum > info.maximum) {
    throw input_error("axis " + axis.parameter + ": the range " + range + " leaves what is allowed, [" +
                      number_text(info.minimum) + ", " + number_text(info.maximum) + ']');
  }
}

/// The values of an axis of a grid.
std::vector<double> grid_values(const axis_settings& axis) {
  if (!axis.values.empty()) {
    return axis.values;
  }
  if (axis.steps < 2) {
    throw input_error("axis " + axis.parameter + " has neither values nor at least 2 steps");
  }
  check_range(axis, find_parameter(axis.parameter));
  std::vector<double> values(static_cast<std::size_t>(axis.steps));
  for (int i = 0; i < axis.steps; ++i) {
    const double share = static_cast<double>(i) / (axis.steps - 1);
    values[static_cast<std::size_t>(i)] = axis.minimum * (1.0 - share) + axis.maximum * share;
  }
  return values;
}

/// Every combination, the last axis fastest.
point_matrix grid_points(const design_settings& settings) {
  constexpr double most_points = 1e8;  // Far above what can be simulated; keeps the product from overflowing.
  std::vector<std::vector<double>> values;
  double count = 1;
  for (const axis_settings& axis : settings.axes) {
    values.push_back(grid_values(axis));
    count *= static_cast<double>(values.back().size());
  }
  if (count > most_points) {
    throw input_error("the grid has " + number_text(count) + " points, more than " + number_text(most_points));
  }
  const auto rows = static_cast<Eigen::Index>(count);
  point_matrix points(rows, static_cast<Eigen::Index>(values.size()));
  for (Eigen::Index row = 0; row < rows; ++row) {
    auto rest = static_cast<std::size_t>(row);
    for (std::size_t axis = values.size(); axis-- > 0;) {
      points(row, static_cast<Eigen::Index>(axis)) = values[axis][rest % values[axis].size()];
      rest /= values[axis].size();
    }
  }
  return points;
}

point_matrix list_points(const design_settings& settings) {
  const std::size_t rows = settings.axes.front().values.size();
  point_matrix points(static_cast<Eigen::Index>(rows), static_cast<Eigen::Index>(settings.axes.size()));
  for (std::size_t axis = 0; axis < settings.axes.size(); ++axis) {
    const axis_settings& given = settings.axes[axis];
    if (given.values.empty() || given.values.size() != rows) {
      throw input_error("axis " + given.parameter + " has " + std::to_string(given.values.size()) +
                        " values; a list needs as many as axis " + settings.axes.front().parameter + " has (" +
                        std::to_string(rows) + "), and at least one");
    }
    for (std::size_t row = 0; row < rows; ++row) {
      points(static_cast<Eigen::Index>(row), static_cast<Eigen::Index>(axis)) = given.values[row];
    }
  }
  return points;
}

/// `count` points of the unit cube, stretched to the axes' ranges, whole where they have to be.
point_matrix random_points(const design_settings& settings, int count, std::uint64_t seed) {
  const auto axes = static_cast<int>(settings.axes.size());
  point_matrix unit(count, axes);
  if (settings.kind == design_kind::sobol) {
    unit = sobol_points(count, axes);
  }
  for (int axis = 0; axis < axes; ++axis) {
    const bool sobol = settings.kind == design_kind::sobol;
    random_stream random(seed, purpose::design, sobol ? sobol_shift : hypercube, static_cast<std::uint32_t>(axis));
    if (sobol) {
      shift_around(unit.col(axis), random.uniform());
    } else {
      std::vector<int> slices(static_cast<std::size_t>(count));
      std::iota(slices.begin(), slices.end(), 0);
      shuffle(slices, random);
      for (int row = 0; row < count; ++row) {
        unit(row, axis) = (slices[static_cast<std::size_t>(row)] + random.uniform()) / count;
      }
    }
    const axis_settings& given = settings.axes[static_cast<std::size_t>(axis)];
    check_range(given, find_parameter(given.parameter));
    unit.col(axis) = (given.minimum + (given.maximum - given.minimum) * unit.col(axis).array()).matrix();
  }
  round_whole(unit, settings.axes);
  return unit;
}

/// The rows that equal no row before them, in their order.
std::vector<Eigen::Index> distinct_rows(const point_matrix& points) {
  std::set<std::vector<double>> seen;
  std::vector<Eigen::Index> rows;
  for (Eigen::Index row = 0; row < points.rows(); ++row) {
    const auto values = points.row(row);
    if (seen.emplace(values.begin(), values.end()).second) {
      rows.push_back(row);
    }
  }
  return rows;
}

/// Values that have to be whole may make two points the same. A Sobol sequence then goes on until there are enough:
/// so a longer design begins with the points of a shorter one.
point_matrix distinct_random_points(const design_settings& settings, std::uint64_t seed) {
  if (settings.points < 1) {
    throw input_error("the design has " + std::to_string(settings.points) + " points; at least 1 is needed");
  }
  constexpr int most_drawn = 1 << 24;
  std::size_t found = 0;
  for (int count = settings.points;; count *= 2) {
    const point_matrix points = random_points(settings, count, seed);
    std::vector<Eigen::Index> rows = distinct_rows(points);
    if (rows.size() >= static_cast<std::size_t>(settings.points)) {
      rows.resize(static_cast<std::size_t>(settings.points));
      return points(rows, Eigen::all);
    }
    // Twice as many that bring nothing new: there are no more.
    const bool exhausted = rows.size() == found || count > most_drawn / 2;
    found = rows.size();
    if (exhausted || settings.kind == design_kind::latin_hypercube) {
      throw input_error("the ranges of the axes hold only " + std::to_string(found) + " distinct points of " +
                        std::to_string(settings.points) +
                        " that are asked for, since some values have to be whole; ask for fewer, or use a grid");
    }
  }
}

}  // namespace

std::string number_text(double value) {
  std::string text = std::to_string(value);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') {
    text.pop_back();
  }
  return text;
}

void shift_around(Eigen::Ref<Eigen::VectorXd, 0, Eigen::InnerStride<>> column, double shift) {
  column = column.unaryExpr([shift](double u) { return u + shift - std::floor(u + shift); }).eval();
}

point_matrix place_points(const design_settings& settings, std::uint64_t seed) {
  switch (settings.kind) {
    case design_kind::grid:
      return grid_points(settings);
    case design_kind::list:
      return list_points(settings);
    case design_kind::latin_hypercube:
    case design_kind::sobol:
      return distinct_random_points(settings, seed);
  }
  throw internal_error("unknown kind of design");
}

Eigen::MatrixXd sobol_points(int points, int axes) {
  // 53 bits fill a double, so that no point is rounded up to 1.
  constexpr unsigned bits = 53;
  using engine = boost::random::sobol_engine<std::uint64_t, bits>;
  constexpr auto most_axes = static_cast<int>(boost::random::default_sobol_table::max_dimension);
  if (axes > most_axes) {
    throw input_error("a Sobol design has at most " + std::to_string(most_axes) + " axes");
  }
  Eigen::MatrixXd unit(points, axes);
  engine next(static_cast<std::size_t>(axes));
  for (int row = 0; row < points; ++row) {
    for (int axis = 0; axis < axes; ++axis) {
      unit(row, axis) = std::ldexp(static_cast<double>(next()), -static_cast<int>(bits));
    }
  }
  return unit;
}

}  // namespace spikesweep
