#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <utility>

#include <boost/random/sobol.hpp>

#include <spikesweep/base/error.hpp>
#include <spikesweep/base/random.hpp>
#include <spikesweep/sweep/design.hpp>

namespace spikesweep {

namespace {

using matrix = decltype(design::points);

/// What a stream of purpose::design is used for.
enum stream_use : std::uint32_t { sobol_shift, hypercube, held_out, candidate_shift };

std::string number(double value) {
  std::string text = std::to_string(value);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') {
    text.pop_back();
  }
  return text;
}

void check_range(const axis_settings& axis, const parameter_info& info) {
  const std::string range = '[' + number(axis.minimum) + ", " + number(axis.maximum) + ']';
  if (!(axis.minimum < axis.maximum)) {
    throw input_error("axis " + axis.parameter + ": the range " + range + " is empty");
  }
  if (axis.minimum < info.minimum || axis.maximum > info.maximum) {
    throw input_error("axis " + axis.parameter + ": the range " + range + " leaves what is allowed, [" +
                      number(info.minimum) + ", " + number(info.maximum) + ']');
  }
}

void check_axes(const design_settings& settings) {
  if (settings.axes.empty()) {
    throw input_error("the design has no axes: there is nothing to sweep");
  }
  for (std::size_t i = 0; i < settings.axes.size(); ++i) {
    find_parameter(settings.axes[i].parameter);
    for (std::size_t j = 0; j < i; ++j) {
      if (settings.axes[i].parameter == settings.axes[j].parameter) {
        throw input_error("axis " + settings.axes[i].parameter + " is given twice");
      }
    }
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
matrix grid_points(const design_settings& settings) {
  constexpr double most_points = 1e8;  // Far above what can be simulated; keeps the product from overflowing.
  std::vector<std::vector<double>> values;
  double count = 1;
  for (const axis_settings& axis : settings.axes) {
    values.push_back(grid_values(axis));
    count *= static_cast<double>(values.back().size());
  }
  if (count > most_points) {
    throw input_error("the grid has " + number(count) + " points, more than " + number(most_points));
  }
  const auto rows = static_cast<Eigen::Index>(count);
  matrix points(rows, static_cast<Eigen::Index>(values.size()));
  for (Eigen::Index row = 0; row < rows; ++row) {
    auto rest = static_cast<std::size_t>(row);
    for (std::size_t axis = values.size(); axis-- > 0;) {
      points(row, static_cast<Eigen::Index>(axis)) = values[axis][rest % values[axis].size()];
      rest /= values[axis].size();
    }
  }
  return points;
}

matrix list_points(const design_settings& settings) {
  const std::size_t rows = settings.axes.front().values.size();
  matrix points(static_cast<Eigen::Index>(rows), static_cast<Eigen::Index>(settings.axes.size()));
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

/// Shifts a column of points in the unit cube, around its end.
void shift_around(Eigen::Ref<Eigen::VectorXd, 0, Eigen::InnerStride<>> column, double shift) {
  column = column.unaryExpr([shift](double u) { return u + shift - std::floor(u + shift); }).eval();
}

/// Rounds the columns of parameters that have to be whole.
template <class Matrix>
void round_whole(Matrix& points, const std::vector<axis_settings>& axes) {
  for (std::size_t axis = 0; axis < axes.size(); ++axis) {
    if (find_parameter(axes[axis].parameter).whole()) {
      auto column = points.col(static_cast<Eigen::Index>(axis));
      column = column.array().round().matrix().eval();
    }
  }
}

/// Points of the unit cube, stretched to the axes' ranges.
matrix random_points(const design_settings& settings, std::uint64_t seed) {
  if (settings.points < 1) {
    throw input_error("the design has " + std::to_string(settings.points) + " points; at least 1 is needed");
  }
  const auto axes = static_cast<int>(settings.axes.size());
  matrix unit(settings.points, axes);
  if (settings.kind == design_kind::sobol) {
    unit = sobol_points(settings.points, axes);
  }
  for (int axis = 0; axis < axes; ++axis) {
    const bool sobol = settings.kind == design_kind::sobol;
    random_stream random(seed, purpose::design, sobol ? sobol_shift : hypercube, static_cast<std::uint32_t>(axis));
    if (sobol) {
      shift_around(unit.col(axis), random.uniform());
    } else {
      std::vector<int> slices(static_cast<std::size_t>(settings.points));
      std::iota(slices.begin(), slices.end(), 0);
      shuffle(slices, random);
      for (int row = 0; row < settings.points; ++row) {
        unit(row, axis) = (slices[static_cast<std::size_t>(row)] + random.uniform()) / settings.points;
      }
    }
    const axis_settings& given = settings.axes[static_cast<std::size_t>(axis)];
    check_range(given, find_parameter(given.parameter));
    unit.col(axis) = (given.minimum + (given.maximum - given.minimum) * unit.col(axis).array()).matrix();
  }
  return unit;
}

matrix place_points(const design_settings& settings, std::uint64_t seed) {
  switch (settings.kind) {
    case design_kind::grid:
      return grid_points(settings);
    case design_kind::list:
      return list_points(settings);
    case design_kind::latin_hypercube:
    case design_kind::sobol:
      return random_points(settings, seed);
  }
  throw internal_error("unknown kind of design");
}

std::vector<point_role> draw_roles(const design_settings& settings, int points, std::uint64_t seed) {
  const int held = settings.selection_points + settings.test_points;
  if (settings.selection_points < 0 || settings.test_points < 0 || held >= points) {
    throw input_error("of " + std::to_string(points) + " points, " + std::to_string(settings.selection_points) +
                      " are held out for selection and " + std::to_string(settings.test_points) +
                      " for tests: none would be left to train on");
  }
  std::vector<std::size_t> order(static_cast<std::size_t>(points));
  std::iota(order.begin(), order.end(), std::size_t{0});
  random_stream random(seed, purpose::design, held_out);
  shuffle(order, random);
  std::vector<point_role> roles(order.size(), point_role::train);
  for (int i = 0; i < held; ++i) {
    roles[order[static_cast<std::size_t>(i)]] =
        i < settings.selection_points ? point_role::selection : point_role::test;
  }
  return roles;
}

std::string purpose_of(point_role role) {
  switch (role) {
    case point_role::train:
      return "training";
    case point_role::selection:
      return "selection";
    case point_role::test:
      return "tests";
  }
  throw internal_error("unknown role of a point");
}

void check_fault(const named_point& point, const design_settings& settings, const std::string& key) {
  if (const std::string fault = fault_of(point, settings.axes); !fault.empty()) {
    throw input_error("a point of " + key + ' ' + fault);
  }
}

/// Appends single points to the design.
void add_points(design& made, const std::vector<named_point>& points, point_role role, const std::string& key,
                const design_settings& settings) {
  for (const named_point& point : points) {
    check_fault(point, settings, key);
    Eigen::RowVectorXd values(static_cast<Eigen::Index>(made.axes.size()));
    for (std::size_t axis = 0; axis < made.axes.size(); ++axis) {
      values[static_cast<Eigen::Index>(axis)] = point.at(made.axes[axis]);
    }
    for (int other = 0; other < made.size(); ++other) {
      const point_role of_other = made.roles[static_cast<std::size_t>(other)];
      if (made.points.row(other) == values && of_other != role) {
        throw input_error("a point of " + key + " is also point " + std::to_string(other) +
                          " of the design, which is for " + purpose_of(of_other) +
                          ": it would not be held out; move one of them");
      }
    }
    made.points.conservativeResize(made.points.rows() + 1, Eigen::NoChange);
    made.points.bottomRows(1) = values;
    made.roles.push_back(role);
  }
}

}  // namespace

std::pair<double, double> range_of(const axis_settings& axis) {
  if (axis.values.empty()) {
    return {axis.minimum, axis.maximum};
  }
  const auto [lowest, highest] = std::minmax_element(axis.values.begin(), axis.values.end());
  return {*lowest, *highest};
}

std::vector<swept_range> swept_ranges(const design_settings& settings) {
  std::vector<swept_range> ranges;
  for (const axis_settings& axis : settings.axes) {
    const auto [lowest, highest] = range_of(axis);
    ranges.push_back({&find_parameter(axis.parameter), lowest, highest});
  }
  return ranges;
}

std::string fault_of(const named_point& point, const std::vector<axis_settings>& axes) {
  std::string names;
  for (const axis_settings& axis : axes) {
    names += (names.empty() ? "" : ", ") + axis.parameter;
    const auto given = point.find(axis.parameter);
    if (given == point.end()) {
      return "lacks the axis " + axis.parameter;
    }
    const auto [lowest, highest] = range_of(axis);
    if (!(given->second >= lowest && given->second <= highest)) {
      return "has " + axis.parameter + " = " + number(given->second) + " outside its axis, " + number(lowest) + " to " +
             number(highest);
    }
  }
  for (const auto& [name, value] : point) {
    const bool swept =
        std::any_of(axes.begin(), axes.end(), [&wanted = name](const auto& axis) { return axis.parameter == wanted; });
    if (!swept) {
      return "has a value of " + name +
             ", which is no axis of the design; its axes: " + (names.empty() ? "none" : names);
    }
  }
  return {};
}

std::string_view name_of(design_kind kind) {
  switch (kind) {
    case design_kind::grid:
      return "grid";
    case design_kind::list:
      return "list";
    case design_kind::latin_hypercube:
      return "latin_hypercube";
    case design_kind::sobol:
      return "sobol";
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

design make_design(const design_settings& settings, const parameters& base, std::uint64_t seed) {
  check_axes(settings);
  design made;
  made.points = place_points(settings, seed);
  for (const axis_settings& axis : settings.axes) {
    made.axes.push_back(axis.parameter);
  }
  round_whole(made.points, settings.axes);
  made.roles = draw_roles(settings, made.size(), seed);
  add_points(made, settings.train_at, point_role::train, "train_at", settings);
  add_points(made, settings.selection_at, point_role::selection, "selection_at", settings);
  add_points(made, settings.test_at, point_role::test, "test_at", settings);
  for (int point = 0; point < made.size(); ++point) {
    try {
      validate(parameters_at(made, base, point));
    } catch (const input_error& error) {
      throw input_error("point " + std::to_string(point) + " of the design is not possible: " + error.what());
    }
  }
  return made;
}

Eigen::MatrixXd candidate_points(const design_settings& settings, const parameters& base, const design& there,
                                 int count, std::uint64_t seed, int round) {
  const auto axes = static_cast<int>(settings.axes.size());
  Eigen::MatrixXd points = sobol_points(count, axes);
  for (int axis = 0; axis < axes; ++axis) {
    random_stream random(seed, purpose::design, candidate_shift + static_cast<std::uint32_t>(round),
                         static_cast<std::uint32_t>(axis));
    shift_around(points.col(axis), random.uniform());
    const auto [lowest, highest] = range_of(settings.axes[static_cast<std::size_t>(axis)]);
    points.col(axis) = (lowest + (highest - lowest) * points.col(axis).array()).matrix();
  }
  round_whole(points, settings.axes);
  Eigen::Index kept = 0;
  for (Eigen::Index row = 0; row < points.rows(); ++row) {
    parameters network = base;
    bool possible = true;
    try {
      for (int axis = 0; axis < axes; ++axis) {
        set_parameter(network, find_parameter(settings.axes[static_cast<std::size_t>(axis)].parameter),
                      points(row, axis));
      }
      validate(network);
    } catch (const input_error&) {
      possible = false;  // A combination that cannot be simulated.
    }
    const Eigen::RowVectorXd point = points.row(row);
    if (possible && (there.points.rowwise() - point).rowwise().squaredNorm().minCoeff() > 0) {
      points.row(kept++) = point;
    }
  }
  return points.topRows(kept);
}

}  // namespace spikesweep
