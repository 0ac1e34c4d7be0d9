#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <string>
#include <utility>

#include <spikesweep/base/error.hpp>
#include <spikesweep/base/random.hpp>
#include <spikesweep/sweep/design.hpp>

#include "placement.hpp"

namespace spikesweep {

namespace {

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

/// How many points are held out.
struct held_out_points {
  int selection = 0;
  int test = 0;
};

/// Appends roles of `points` points, drawn at random.
void draw_roles(std::vector<point_role>& roles, int points, const held_out_points& held, std::uint64_t seed) {
  const std::size_t begin = roles.size();
  std::vector<std::size_t> order(static_cast<std::size_t>(points));
  std::iota(order.begin(), order.end(), begin);
  random_stream random(seed, purpose::design, held_out, static_cast<std::uint32_t>(begin));
  shuffle(order, random);
  roles.resize(begin + order.size(), point_role::train);
  for (int i = 0; i < held.selection + held.test; ++i) {
    roles[order[static_cast<std::size_t>(i)]] = i < held.selection ? point_role::selection : point_role::test;
  }
}

std::vector<point_role> roles_of_all(const design_settings& settings, int points, std::uint64_t seed) {
  const held_out_points held{settings.selection_points, settings.test_points};
  if (held.selection < 0 || held.test < 0 || held.selection + held.test >= points) {
    throw input_error("of " + std::to_string(points) + " points, " + std::to_string(held.selection) +
                      " are held out for selection and " + std::to_string(held.test) +
                      " for tests: none would be left to train on");
  }
  std::vector<point_role> roles;
  draw_roles(roles, points, held, seed);
  return roles;
}

/// The roles that the first points have, and those of the points after them.
std::vector<point_role> roles_after_first(const design_settings& settings, int points, std::uint64_t seed) {
  std::vector<point_role> roles = settings.first.roles;
  const int others = points - settings.first.size();
  const auto wanted = [&](point_role role, int in_all) {
    const auto there = static_cast<int>(std::ranges::count(settings.first.roles, role));
    return std::max(in_all - there, std::min(in_all, usual_held_out(others)));
  };
  held_out_points held;
  held.selection = std::clamp(wanted(point_role::selection, settings.selection_points), 0, others);
  held.test = std::clamp(wanted(point_role::test, settings.test_points), 0, others - held.selection);
  draw_roles(roles, others, held, seed);
  if (std::ranges::count(roles, point_role::train) == 0) {
    throw input_error("every point of the design is held out: none is left to train on");
  }
  return roles;
}

/// A point that is there twice might be held out and trained on at once.
void check_distinct(const design& made) {
  std::map<std::vector<double>, int> seen;
  for (int point = 0; point < made.size(); ++point) {
    const auto values = made.points.row(point);
    const auto [first, is_new] = seen.emplace(std::vector<double>(values.begin(), values.end()), point);
    if (!is_new) {
      throw input_error("points " + std::to_string(first->second) + " and " + std::to_string(point) +
                        " of the design are the same; name each value once");
    }
  }
}

std::string purpose_of(point_role role) {
  return role == point_role::train ? "training" : role == point_role::test ? "tests" : std::string(name_of(role));
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
    bool is_first = false;
    for (int other = 0; other < made.size(); ++other) {
      if (made.points.row(other) == values) {
        const point_role of_other = made.roles[static_cast<std::size_t>(other)];
        if (other < made.first && of_other == role) {
          is_first = true;  // The sweep had this point when it grew.
          break;
        }
        throw input_error("a point of " + key + " is also point " + std::to_string(other) +
                          " of the design, which is for " + purpose_of(of_other) +
                          (of_other == role ? "; name it once" : ": it would not be held out; move one of them"));
      }
    }
    if (!is_first) {
      made.points.conservativeResize(made.points.rows() + 1, Eigen::NoChange);
      made.points.bottomRows(1) = values;
      made.roles.push_back(role);
    }
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

bool first_points::operator==(const first_points& other) const {
  return axes == other.axes && values.rows() == other.values.rows() && values == other.values && roles == other.roles;
}

double design_size(const design_settings& settings) {
  switch (settings.kind) {
    case design_kind::grid: {
      double count = 1;
      for (const axis_settings& axis : settings.axes) {
        count *= axis.values.empty() ? axis.steps : static_cast<double>(axis.values.size());
      }
      return settings.first.size() + count;
    }
    case design_kind::list:
      return settings.first.size() +
             (settings.axes.empty() ? 0 : static_cast<double>(settings.axes.front().values.size()));
    case design_kind::latin_hypercube:
    case design_kind::sobol:
      return std::max(settings.first.size(), settings.points);
  }
  throw internal_error("unknown kind of design");
}

int usual_held_out(double points) {
  constexpr double share = 0.1;
  constexpr double most = 12;
  constexpr double least_points = 5;
  return points < least_points ? 0 : static_cast<int>(std::clamp(share * points, 1.0, most));
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
      return "has " + axis.parameter + " = " + number_text(given->second) + " outside its axis, " +
             number_text(lowest) + " to " + number_text(highest);
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

design make_design(const design_settings& settings, const parameters& base, std::uint64_t seed) {
  check_axes(settings);
  design made;
  made.points = place_points(settings, seed);
  made.first = settings.first.size();
  for (const axis_settings& axis : settings.axes) {
    made.axes.push_back(axis.parameter);
    const auto [lowest, highest] = range_of(axis);
    made.lowest.push_back(lowest);
    made.highest.push_back(highest);
  }
  round_whole(made.points, settings.axes);
  check_distinct(made);
  made.roles = settings.first.roles.empty() ? roles_of_all(settings, made.size(), seed)
                                            : roles_after_first(settings, made.size(), seed);
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
    const bool is_new = (there.points.rowwise() - point).rowwise().squaredNorm().minCoeff() > 0 &&
                        (kept == 0 || (points.topRows(kept).rowwise() - point).rowwise().squaredNorm().minCoeff() > 0);
    if (possible && is_new) {
      points.row(kept++) = point;
    }
  }
  return points.topRows(kept);
}

}  // namespace spikesweep
