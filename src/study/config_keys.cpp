#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/base/nearest.hpp>
#include <spikesweep/study/config.hpp>

#include "embedded.hpp"

namespace spikesweep {

namespace {

void add_parameter_key(config_table& table, parameters& network, const parameter_info& info) {
  config_entry entry;
  entry.key = "network." + std::string(info.name);
  entry.type = info.whole() ? config_type::whole : config_type::number;
  entry.unit = info.unit;
  entry.minimum = info.minimum;
  entry.maximum = info.maximum;
  entry.description = info.description;
  const auto as_value = [&info](double number) {
    return info.whole() ? config_value(static_cast<std::int64_t>(number)) : config_value(number);
  };
  if (info.absent) {
    entry.absent = as_value(*info.absent);
  }
  entry.set = [&network, &info](const config_value& value) {
    const auto* whole = std::get_if<std::int64_t>(&value);
    set_parameter(network, info, whole != nullptr ? static_cast<double>(*whole) : std::get<double>(value));
  };
  entry.get = [&network, &info, as_value] { return std::optional(as_value(get_parameter(network, info))); };
  table.add(std::move(entry));
}

void add_network_keys(config_table& table, parameters& network) {
  for (const parameter_info& info : parameter_table()) {
    add_parameter_key(table, network, info);
  }
  add_settings(table, "network", config_group::sweep, network_choice_table(), network);
}

/// The built-in configs that hold a network written out.
std::vector<std::string> preset_names() {
  std::vector<std::string> names;
  for (const embedded_config& config : embedded_configs()) {
    if (config.name != "quickstart") {
      names.emplace_back(config.name);
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

parameters preset_network(const std::string& name) {
  for (const embedded_config& config : embedded_configs()) {
    if (config.name == name) {
      parameters network;
      config_table table;
      add_network_keys(table, network);
      read_toml(table, config.text, "built-in " + name);
      return network;
    }
  }
  throw internal_error("no built-in network '" + name + "'");
}

namespace {

void add_preset_key(config_table& table, parameters& network) {
  config_entry preset;
  preset.key = "network.preset";
  preset.type = config_type::choice;
  preset.choices = preset_names();
  preset.description = "network to start from (configs/networks); the other keys of [network] then change it";
  preset.first = true;
  preset.set = [&network](const config_value& name) { network = preset_network(std::get<std::string>(name)); };
  preset.get = [] { return std::optional<config_value>(); };  // The network that it sets is what counts.
  table.add(std::move(preset));
}

axis_settings parse_axis(const parameter_info& info, const config_value& value) {
  axis_settings axis;
  axis.parameter = info.name;
  const auto check = [&info](double number) {
    if (!std::isfinite(number) || number < info.minimum || number > info.maximum) {
      throw input_error(fmt::format("has the value {}, which is out of range", number));
    }
    if (info.whole() && number != std::floor(number)) {
      throw input_error(fmt::format("has the value {}, which is not a whole number", number));
    }
    return number;
  };
  if (const auto* values = std::get_if<std::vector<double>>(&value)) {
    if (values->empty()) {
      throw input_error("has no values");
    }
    for (const double number : *values) {
      axis.values.push_back(check(number));
    }
    return axis;
  }
  const auto& range = std::get<std::map<std::string, double>>(value);
  static const std::vector<std::string> known{"min", "max", "steps"};
  for (const auto& [key, number] : range) {
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      const std::string near = nearest_name(key, known);
      throw input_error(fmt::format("has the unknown key '{}'{}", key,
                                    near.empty() ? "" : fmt::format("; did you mean '{}'?", near)));
    }
  }
  if (!range.contains("min") || !range.contains("max")) {
    throw input_error("needs both min and max");
  }
  axis.minimum = check(range.at("min"));
  axis.maximum = check(range.at("max"));
  if (axis.minimum >= axis.maximum) {
    throw input_error("has a min that is not below its max");
  }
  if (range.contains("steps")) {
    const double steps = range.at("steps");
    if (!(steps >= 2 && steps <= design_limit) || steps != std::floor(steps)) {
      throw input_error("needs a whole number of steps, at least 2");
    }
    axis.steps = static_cast<int>(steps);
  }
  return axis;
}

std::optional<config_value> axis_value(const design_settings& design, std::string_view parameter) {
  for (const axis_settings& axis : design.axes) {
    if (axis.parameter != parameter) {
      continue;
    }
    if (!axis.values.empty()) {
      return axis.values;
    }
    std::map<std::string, double> range{{"max", axis.maximum}, {"min", axis.minimum}};
    if (axis.steps > 0) {
      range.emplace("steps", axis.steps);
    }
    return range;
  }
  return std::nullopt;
}

/// Keeps the axes in the order of the parameters, so that the order in the file does not matter.
void put_axis(design_settings& design, axis_settings axis) {
  std::erase_if(design.axes, [&](const axis_settings& other) { return other.parameter == axis.parameter; });
  const auto place = std::find_if(design.axes.begin(), design.axes.end(), [&](const axis_settings& other) {
    return &find_parameter(other.parameter) > &find_parameter(axis.parameter);
  });
  design.axes.insert(place, std::move(axis));
}

std::vector<named_point> parse_points(const config_value& value) {
  std::vector<std::string> known;
  for (const parameter_info& info : parameter_table()) {
    known.emplace_back(info.name);
  }
  const auto& points = std::get<std::vector<named_point>>(value);
  for (const named_point& point : points) {
    for (const auto& [name, number] : point) {
      if (std::find(known.begin(), known.end(), name) == known.end()) {
        const std::string near = nearest_name(name, known);
        throw input_error(fmt::format("has the unknown parameter '{}'{}", name,
                                      near.empty() ? "" : fmt::format("; did you mean '{}'?", near)));
      }
      if (!std::isfinite(number) || (find_parameter(name).whole() && number != std::floor(number))) {
        throw input_error(fmt::format("has {} = {}, which is not a {}", name, number,
                                      std::isfinite(number) ? "whole number" : "finite number"));
      }
    }
  }
  return points;
}

void add_points_key(config_table& table, const std::string& key, std::vector<named_point>& points,
                    std::string description) {
  config_entry entry;
  entry.key = "design." + key;
  entry.type = config_type::points;
  entry.description = std::move(description);
  entry.set = [&points](const config_value& value) { points = parse_points(value); };
  entry.get = [&points] { return points.empty() ? std::nullopt : std::optional<config_value>(points); };
  table.add(std::move(entry));
}

void add_points_file_key(config_table& table, design_settings& design) {
  config_entry entry;
  entry.key = "design.points_file";
  entry.type = config_type::file;
  entry.group = config_group::place;
  entry.description =
      "CSV file of points that come first: a header of swept parameters, a line of values for each point, and maybe a "
      "column `role` of the words train, selection and test; see docs/how-to/choose-points.md; without [design.axes] "
      "its columns are the axes; without the key `points` the design has only these points";
  entry.set = [&design](const config_value& value) { design.points_file = std::get<std::string>(value); };
  entry.get = [&design] {
    return design.points_file.empty() ? std::nullopt : std::optional<config_value>(design.points_file);
  };
  table.add(std::move(entry));
}

void add_axis_key(config_table& table, design_settings& design, const parameter_info& info) {
  config_entry axis;
  axis.key = "design.axes." + std::string(info.name);
  axis.type = config_type::axis;
  axis.unit = info.unit;
  axis.minimum = info.minimum;
  axis.maximum = info.maximum;
  axis.description = "sweeps " + std::string(info.description);
  axis.set = [&design, &info](const config_value& value) { put_axis(design, parse_axis(info, value)); };
  axis.get = [&design, &info] { return axis_value(design, info.name); };
  table.add(std::move(axis));
}

void add_design_keys(config_table& table, design_settings& design) {
  add_settings(table, "design", config_group::sweep, design_table(), design);
  add_points_file_key(table, design);
  add_points_key(table, "train_at", design.train_at, "more points, by their values, to train on");
  add_points_key(table, "selection_at", design.selection_at, "more points, by their values, held out for selection");
  add_points_key(table, "test_at", design.test_at, "more points, by their values, held out for validation");
  for (const parameter_info& info : parameter_table()) {
    add_axis_key(table, design, info);
  }
}

/// What is at the top of a config.
constexpr std::array top_level{
    whole_setting<&configuration::seed>("seed", any_seed, "1", "seed of the design and of every task's samples"),
};

}  // namespace

config_table make_config_table(configuration& config) {
  config_table table;
  add_settings<configuration>(table, "", config_group::sweep, top_level, config);
  add_preset_key(table, config.network);
  add_network_keys(table, config.network);
  add_design_keys(table, config.design);
  add_settings(table, "design", config_group::refinement, refine_table(), config.refine);
  add_settings(table, "section", config_group::sweep, section_table(), config.section);
  add_settings(table, "sweep", config_group::sweep, simulation_table(), config.sampling.simulation);
  add_settings(table, "sweep", config_group::sweep, sampling_table(), config.sampling);
  add_settings(table, "sweep", config_group::sweep, layout_table(), config.sampling.layout);
  add_settings(table, "learning", config_group::learning, learning_table(), config.learning);
  add_settings(table, "validation", config_group::validation, validation_table(), config.validation);
  return table;
}

std::vector<std::string> override_network(parameters& network, std::span<const std::string> overrides) {
  parameters changed = network;
  config_table table;
  add_network_keys(table, changed);
  std::vector<std::string> keys = apply_overrides(table, overrides, "network");
  network = changed;
  return keys;
}

}  // namespace spikesweep
