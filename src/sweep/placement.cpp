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

/// Numbers of streams between two numbers of first points: more than there are axes.
constexpr int axes_apart = 64;

/// `count` points of the unit cube, stretched to the axes' ranges, whole where they have to be.
point_matrix random_points(const design_settings& settings, int count, std::uint64_t seed) {
  const auto axes = static_cast<int>(settings.axes.size());
  point_matrix unit(count, axes);
  if (settings.kind == design_kind::sobol) {
    unit = sobol_points(count, axes);
  }
  for (int axis = 0; axis < axes; ++axis) {
    const bool sobol = settings.kind == design_kind::sobol;
    // A Sobol sequence goes on; slices of an axis are shuffled anew after each number of first points.
    const auto stream = static_cast<std::uint32_t>(axis + (sobol ? 0 : axes_apart * settings.first.size()));
    random_stream random(seed, purpose::design, sobol ? sobol_shift : hypercube, stream);
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

std::vector<double> row_of(const point_matrix& points, Eigen::Index row) {
  const auto values = points.row(row);
  return {values.begin(), values.end()};
}

/// Picks rows for a design, none of which equals another one or a first point.
class picker {
 public:
  /// `first` has a column for each axis.
  explicit picker(const point_matrix& first) : waiting_(first.rows()) {
    for (Eigen::Index row = 0; row < first.rows(); ++row) {
      taken_.insert(row_of(first, row));
    }
    if (first.rows() > 0) {
      lowest_ = first.colwise().minCoeff();
      highest_ = first.colwise().maxCoeff();
    }
  }

  /// Looks at rows that it has not seen yet, until it has `wanted`.
  void look_at(const point_matrix& points, std::size_t wanted, bool fill_up) {
    for (Eigen::Index row = 0; row < points.rows() && picked_.size() < wanted; ++row) {
      const std::vector<double> values = row_of(points, row);
      if (!seen_.insert(values).second) {
        continue;
      }
      const bool is_first = taken_.contains(values);
      // A first point stands for one point where the first points are.
      if (fill_up && waiting_ > 0 && (is_first || is_among_first(points.row(row)))) {
        --waiting_;
      } else if (!is_first) {
        picked_.push_back(row);
      }
    }
  }

  const std::vector<Eigen::Index>& picked() const { return picked_; }
  /// Distinct rows, picked or not.
  std::size_t seen() const { return seen_.size(); }

 private:
  bool is_among_first(const Eigen::RowVectorXd& point) const {
    return (point.array() >= lowest_.array()).all() && (point.array() <= highest_.array()).all();
  }

  Eigen::Index waiting_;       ///< First points that no point of the sequence was left out for yet.
  Eigen::RowVectorXd lowest_;  ///< Of the first points, on each axis.
  Eigen::RowVectorXd highest_;
  std::set<std::vector<double>> taken_;
  std::set<std::vector<double>> seen_;
  std::vector<Eigen::Index> picked_;
};

/// The columns of the first points in the order of the axes.
point_matrix points_that_come_first(const design_settings& settings) {
  const first_points& first = settings.first;
  point_matrix points(first.values.rows(), static_cast<Eigen::Index>(settings.axes.size()));
  for (std::size_t axis = 0; axis < settings.axes.size(); ++axis) {
    const std::string& name = settings.axes[axis].parameter;
    const auto found = std::ranges::find(first.axes, name);
    if (first.size() > 0 && found == first.axes.end()) {
      throw input_error("the points that come first lack the axis " + name);
    }
    if (first.size() == 0) {
      continue;
    }
    const auto column = first.values.col(found - first.axes.begin());
    const auto [lowest, highest] = range_of(settings.axes[axis]);
    if (column.minCoeff() < lowest || column.maxCoeff() > highest) {
      throw input_error("the points that come first have " + name + " from " + number_text(column.minCoeff()) + " to " +
                        number_text(column.maxCoeff()) + ", outside its axis, " + number_text(lowest) + " to " +
                        number_text(highest) + "; widen the axis");
    }
    points.col(static_cast<Eigen::Index>(axis)) = column;
  }
  if (first.axes.size() > settings.axes.size()) {
    throw input_error("the points that come first have more axes than the design");
  }
  return points;
}

point_matrix stacked(const point_matrix& above, const point_matrix& below) {
  point_matrix both(above.rows() + below.rows(), below.cols());
  both << above, below;
  return both;
}

/// Values that have to be whole may make two points the same. A Sobol sequence then goes on until there are enough:
/// so a longer design begins with the points of a shorter one.
point_matrix distinct_random_points(const design_settings& settings, const point_matrix& first, std::uint64_t seed) {
  if (settings.points < 1) {
    throw input_error("the design has " + std::to_string(settings.points) + " points; at least 1 is needed");
  }
  constexpr int most_drawn = 1 << 24;
  const bool sobol = settings.kind == design_kind::sobol;
  const int wanted = std::max(0, settings.points - settings.first.size());
  if (wanted == 0) {
    return first;
  }
  std::size_t seen = 0;
  for (int count = sobol ? settings.points : wanted;; count *= 2) {
    const point_matrix points = random_points(settings, count, seed);
    picker choice(first);
    choice.look_at(points, static_cast<std::size_t>(wanted), sobol);
    if (choice.picked().size() == static_cast<std::size_t>(wanted)) {
      return stacked(first, points(choice.picked(), Eigen::all));
    }
    // Twice as many that bring nothing new: there are no more.
    const bool exhausted = choice.seen() == seen || count > most_drawn / 2;
    seen = choice.seen();
    if (exhausted || !sobol) {
      throw input_error("the ranges of the axes hold only " + std::to_string(choice.picked().size()) +
                        " distinct points of " + std::to_string(wanted) +
                        " that are asked for, since some values have to be whole; ask for fewer, or use a grid");
    }
  }
}

/// The first points, then those of a grid or list that are not among them.
point_matrix with_others(const point_matrix& first, const point_matrix& others) {
  if (first.rows() == 0) {
    return others;
  }
  picker choice(first);
  choice.look_at(others, static_cast<std::size_t>(others.rows()), false);
  return stacked(first, others(choice.picked(), Eigen::all));
}

/// Whether a grid or a list places points of its own: where points come first, its axes may be ranges alone.
bool places_points(const design_settings& settings) {
  return settings.first.size() == 0 || std::ranges::any_of(settings.axes, [](const axis_settings& axis) {
           return !axis.values.empty() || axis.steps > 0;
         });
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
  const point_matrix first = points_that_come_first(settings);
  switch (settings.kind) {
    case design_kind::grid:
      return places_points(settings) ? with_others(first, grid_points(settings)) : first;
    case design_kind::list:
      return places_points(settings) ? with_others(first, list_points(settings)) : first;
    case design_kind::latin_hypercube:
    case design_kind::sobol:
      return distinct_random_points(settings, first, seed);
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
