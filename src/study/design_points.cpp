#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/store/digest.hpp>
#include <spikesweep/study/design_points.hpp>
#include <spikesweep/study/points_file.hpp>

namespace spikesweep {

namespace {

constexpr const char* role_column = "role";
constexpr std::array roles{point_role::train, point_role::selection, point_role::test};

point_role role_named(const std::string& word, const std::string& place) {
  const auto found = std::ranges::find(roles, word, [](point_role role) { return name_of(role); });
  if (found == roles.end()) {
    throw input_error(fmt::format("{}: role '{}' is unknown; allowed: train, selection, test", place, word));
  }
  return *found;
}

void check_value(const parameter_info& info, double value, const std::string& place) {
  if (value < info.minimum || value > info.maximum) {
    throw input_error(fmt::format("{}: {} = {} is out of range; allowed: {} to {}", place, info.name, value,
                                  info.minimum, info.maximum));
  }
  if (info.whole() && value != std::floor(value)) {
    throw input_error(fmt::format("{}: {} = {} is not a whole number", place, info.name, value));
  }
}

void check_distinct(const point_list& list, const std::string& name) {
  std::map<std::vector<double>, int> seen;
  for (std::size_t i = 0; i < list.values.size(); ++i) {
    const auto [first, is_new] = seen.emplace(list.values[i], list.line[i]);
    if (!is_new) {
      throw input_error(fmt::format("{}: line {} is the same point as line {}; name each point once", name,
                                    list.line[i], first->second));
    }
  }
}

std::string name_of_file(const configuration& config) {
  return config.given.points_file.empty() ? config.design.points_file : config.given.points_file;
}

/// The ranges of the columns, where the config names no axis.
void add_axes(configuration& config, const first_points& points) {
  for (const parameter_info& info : parameter_table()) {
    const auto at = std::ranges::find(points.axes, info.name);
    if (at == points.axes.end()) {
      continue;
    }
    const auto column = points.values.col(at - points.axes.begin());
    axis_settings axis;
    axis.parameter = info.name;
    axis.minimum = column.minCoeff();
    axis.maximum = column.maxCoeff();
    if (axis.minimum == axis.maximum) {
      throw input_error(
          fmt::format("{}: the column {} holds {} everywhere, so it is no axis; remove it, and set "
                      "'network.{}' instead",
                      name_of_file(config), axis.parameter, axis.minimum, axis.parameter));
    }
    config.design.axes.push_back(std::move(axis));
  }
}

void check_axes(const configuration& config, const first_points& points) {
  for (const axis_settings& axis : config.design.axes) {
    const auto at = std::ranges::find(points.axes, axis.parameter);
    if (at == points.axes.end()) {
      throw input_error(fmt::format("{} has no column {}, which 'design.axes.{}' of {} sweeps; add the column",
                                    name_of_file(config), axis.parameter, axis.parameter, config.source));
    }
    const auto column = points.values.col(at - points.axes.begin());
    const auto [lowest, highest] = range_of(axis);
    if (column.minCoeff() < lowest || column.maxCoeff() > highest) {
      throw input_error(fmt::format("{} has {} from {} to {}, outside 'design.axes.{}' of {}, {} to {}; widen the axis",
                                    name_of_file(config), axis.parameter, column.minCoeff(), column.maxCoeff(),
                                    axis.parameter, config.source, lowest, highest));
    }
  }
  for (const std::string& name : points.axes) {
    if (std::ranges::find(config.design.axes, name, &axis_settings::parameter) == config.design.axes.end()) {
      throw input_error(
          fmt::format("{} has a column {}, which no key of [design.axes] in {} sweeps; add the key "
                      "'design.axes.{}', or remove the section",
                      name_of_file(config), name, config.source, name));
    }
  }
}

}  // namespace

first_points parse_first_points(const std::string& text, const std::string& name) {
  std::vector<std::string> names;
  for (const parameter_info& info : parameter_table()) {
    names.emplace_back(info.name);
  }
  const point_list list = parse_points(text, name, {names, "a parameter of the network", role_column});
  if (list.values.size() > design_limit) {
    throw input_error(fmt::format("{} has {} points; a design has at most {}", name, list.values.size(), design_limit));
  }
  first_points points;
  for (const std::size_t axis : list.axes) {
    points.axes.push_back(names[axis]);
  }
  points.values.resize(static_cast<Eigen::Index>(list.values.size()), static_cast<Eigen::Index>(list.axes.size()));
  for (std::size_t i = 0; i < list.values.size(); ++i) {
    const std::string place = fmt::format("{}: line {}", name, list.line[i]);
    for (std::size_t column = 0; column < list.axes.size(); ++column) {
      check_value(find_parameter(points.axes[column]), list.values[i][column], place);
      points.values(static_cast<Eigen::Index>(i), static_cast<Eigen::Index>(column)) = list.values[i][column];
    }
    if (!list.words.empty()) {
      points.roles.push_back(role_named(list.words[i], place));
    }
  }
  check_distinct(list, name);
  return points;
}

std::string points_text(const first_points& points) {
  const bool with_roles = !points.roles.empty();
  std::string text = fmt::format("{}{}\n", fmt::join(points.axes, ","), with_roles ? ",role" : "");
  for (Eigen::Index row = 0; row < points.values.rows(); ++row) {
    for (Eigen::Index column = 0; column < points.values.cols(); ++column) {
      text += fmt::format("{}{}", column > 0 ? "," : "", points.values(row, column));
    }
    if (with_roles) {
      text += fmt::format(",{}", name_of(points.roles[static_cast<std::size_t>(row)]));
    }
    text += '\n';
  }
  return text;
}

std::string digest_of(const first_points& points) {
  digest whole;
  return whole.add(points_text(points)).text();
}

first_points first_points_of(const design& d, int count) {
  return {d.axes, d.points.topRows(count), {d.roles.begin(), d.roles.begin() + count}};
}

void take_first_points(configuration& config, const config_table& table, first_points points) {
  design_settings& design = config.design;
  if (design.axes.empty()) {
    add_axes(config, points);
  }
  check_axes(config, points);
  // In the order of the axes, so that the order of the columns does not matter.
  first_points ordered{{}, decltype(points.values)(points.values.rows(), points.values.cols()), points.roles};
  for (const axis_settings& axis : design.axes) {
    const auto at = std::ranges::find(points.axes, axis.parameter) - points.axes.begin();
    ordered.values.col(std::ssize(ordered.axes)) = points.values.col(at);
    ordered.axes.push_back(axis.parameter);
  }
  const bool counts = design.kind == design_kind::sobol || design.kind == design_kind::latin_hypercube;
  if (counts && !table.place_of("design.points")) {
    design.points = ordered.size();
  }
  design.first = std::move(ordered);
}

configuration with_first_points(const configuration& config, const first_points& points) {
  config_source source = config.given;
  source.points_file = points_copy;
  source.points = points_text(points);
  std::vector<std::string> overrides = config.overrides;
  overrides.push_back(fmt::format("design.points_file={}", points_copy));
  return parse_configuration(source, overrides);
}

}  // namespace spikesweep
