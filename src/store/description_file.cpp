#include "description_file.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <functional>
#include <map>
#include <span>

#include <spikesweep/base/error.hpp>
#include <spikesweep/store/file_format.hpp>
#include <spikesweep/store/settings_file.hpp>

namespace spikesweep {

namespace {

std::vector<std::uint8_t> role_numbers(const design& d) {
  std::vector<std::uint8_t> numbers(d.roles.size());
  std::transform(d.roles.begin(), d.roles.end(), numbers.begin(), [](auto r) { return static_cast<std::uint8_t>(r); });
  return numbers;
}

void write_design(hdf5::group& root, const design& d) {
  const std::size_t axes = d.axes.size();
  std::vector<std::string> units;
  for (const std::string& axis : d.axes) {
    units.emplace_back(find_parameter(axis).unit);
  }
  hdf5::dataset names = root.write_strings("design/axis", d.axes, {axes}, {"1", "swept parameters"});
  root.write_strings("design/unit", units, {axes}, {"1", "unit of each swept parameter"});
  hdf5::dataset points =
      root.write_array<double>("design/points", std::span(d.points.data(), static_cast<std::size_t>(d.points.size())),
                               {static_cast<hdf5::length>(d.points.rows()), axes},
                               {"per axis, see /design/unit", "value of each swept parameter at each point"});
  hdf5::dataset roles = root.write_array("design/role", role_numbers(d),
                                         {"1", "use of each point: 0 training, 1 model selection, 2 test"});
  names.make_scale("axis");
  points.name_dimension(0, "point");
  points.name_dimension(1, "axis");
  points.attach_scale(1, names);
  roles.name_dimension(0, "point");
  if (!d.lowest.empty()) {
    root.write_array("design/lowest", d.lowest, {"per axis, see /design/unit", "lower end of each axis"});
    root.write_array("design/highest", d.highest, {"per axis, see /design/unit", "upper end of each axis"});
  }
  if (d.first > 0) {
    root.write_scalar("design/first", d.first, {"1", "points that come first by their values, whatever the kind"});
  }
  if (!d.rounds.empty()) {
    root.write_array("design/round", d.rounds, {"1", "round of refining that each point was picked in; 0: none"})
        .name_dimension(0, "point");
  }
}

design read_design(const hdf5::group& root) {
  design d;
  d.axes = read_axes(root, "design/axis");
  const hdf5::dataset points = root.open_dataset("design/points");
  const hdf5::extent shape = points.shape();
  const auto roles = root.read_array<std::uint8_t>("design/role");
  if (shape.size() != 2 || shape[1] != d.axes.size() || shape[0] != roles.size()) {
    throw input_error("the shapes below /design in " + root.where().file + " do not agree");
  }
  const auto values = points.read<double>();  // Compares its size with that of the file first.
  check_axis_values(root, "design/points", d.axes, values);
  d.points = Eigen::Map<const decltype(d.points)>(values.data(), static_cast<Eigen::Index>(shape[0]),
                                                  static_cast<Eigen::Index>(shape[1]));
  for (const std::uint8_t role : roles) {
    if (role >= point_role_count) {
      throw input_error("/design/role in " + root.where().file + " holds " + std::to_string(role));
    }
    d.roles.push_back(static_cast<point_role>(role));
  }
  if (root.has("design/lowest")) {
    d.lowest = root.read_array<double>("design/lowest");
    d.highest = root.read_array<double>("design/highest");
    if (d.lowest.size() != d.axes.size() || d.highest.size() != d.axes.size()) {
      throw input_error("the ranges below /design in " + root.where().file + " do not fit the axes");
    }
    check_axis_values(root, "design/lowest", d.axes, d.lowest);
    check_axis_values(root, "design/highest", d.axes, d.highest);
  }
  if (root.has("design/first")) {
    d.first = root.read_scalar<int>("design/first");
    if (d.first < 0 || d.first > d.size()) {
      throw input_error("/design/first in " + root.where().file + " does not fit the points");
    }
  }
  if (root.has("design/round")) {
    d.rounds = root.read_array<std::int32_t>("design/round");
    if (d.rounds.size() != roles.size()) {
      throw input_error("/design/round in " + root.where().file + " does not fit the points");
    }
  }
  return d;
}

std::string shown(double value) {
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  return {text.data(), end};
}

template <class S>
void add_values(std::map<std::string, std::string>& values, const std::string& group, std::span<const setting<S>> rows,
                const S& from) {
  for (const setting<S>& row : rows) {
    values[group + std::string(row.key)] = to_text(row.get(from));
  }
}

/// What the canonical settings led to, as text.
std::map<std::string, std::string> all_values(const sweep_description& d) {
  std::map<std::string, std::string> values;
  for (const parameter_info& info : parameter_table()) {
    values["network." + std::string(info.name)] = shown(get_parameter(d.base, info));
  }
  add_values(values, "network.", network_choice_table(), d.base);
  add_values(values, "section.", section_table(), d.section);
  add_values(values, "sampling.", sampling_table(), d.sampling);
  add_values(values, "sampling.", simulation_table(), d.sampling.simulation);
  add_values(values, "sampling.", layout_table(), d.sampling.layout);
  values["design.replicates"] = std::to_string(d.replicates);
  values["design.points"] = std::to_string(d.points.size());
  values["seed"] = std::to_string(d.seed);
  return values;
}

template <class Map>
void compare(const Map& stored, const Map& given, std::vector<std::string>& found) {
  const auto text = [](const Map& values, const std::string& key) {
    const auto at = values.find(key);
    return at == values.end() ? std::string("nothing") : at->second;
  };
  Map keys = stored;
  keys.insert(given.begin(), given.end());
  for (const auto& [key, value] : keys) {
    if (text(stored, key) != text(given, key)) {
      found.push_back(key + ": " + text(stored, key) + " in the file, " + text(given, key) + " now");
    }
  }
}

bool any_setting(const std::string&) {
  return true;
}

/// The settings of those that count which differ.
std::vector<std::string> setting_differences(const sweep_description& stored, const sweep_description& given,
                                             const std::function<bool(const std::string& key)>& counts) {
  using text_map = std::map<std::string, std::string>;
  const auto chosen = [&counts](text_map values) {
    std::erase_if(values, [&counts](const auto& setting) { return !counts(setting.first); });
    return values;
  };
  std::vector<std::string> found;
  text_map before(stored.settings.begin(), stored.settings.end());
  before.insert(given.absent.begin(), given.absent.end());  // Only those that the file does not have.
  compare(chosen(std::move(before)), chosen({given.settings.begin(), given.settings.end()}), found);
  if (found.empty()) {
    // The canonical settings agree; what was made of them has to as well (another version might make something else).
    compare(chosen(all_values(stored)), chosen(all_values(given)), found);
  }
  return found;
}

std::string shrinks(const std::string& what, int stored, int given) {
  return what + ": " + std::to_string(stored) + " in the file, " + std::to_string(given) +
         " now; a sweep can grow, not shrink";
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) {
    text += (text.empty() ? "" : " ") + word;
  }
  return text;
}

/// The first stored point that `given`, on the same axes, has elsewhere; empty if there is none.
std::string first_moved_point(const design& stored, const design& given) {
  for (Eigen::Index point = 0; point < stored.points.rows(); ++point) {
    for (Eigen::Index axis = 0; axis < stored.points.cols(); ++axis) {
      if (stored.points(point, axis) != given.points(point, axis)) {
        return "point " + std::to_string(point) + ": " + stored.axes[static_cast<std::size_t>(axis)] + " = " +
               shown(stored.points(point, axis)) + " in the file, " + shown(given.points(point, axis)) + " now";
      }
    }
  }
  return {};
}

}  // namespace

void write_description(hdf5::group& root, const sweep_description& d) {
  write_format(root, sweep_format);
  root.write_attribute("seed", d.seed);
  root.write_attribute("replicates", d.replicates);
  root.write_string("config/text", d.config_text, {"1", "the configuration in force"});
  std::vector<std::string> pairs;
  for (const auto& [key, value] : d.settings) {
    pairs.push_back(key);
    pairs.push_back(value);
  }
  root.write_strings("config/settings", pairs, {d.settings.size(), 2},
                     {"1", "key and value of every setting that decides the samples"});
  write_design(root, d.points);
  write_network(root, "network", d.base);
  write_settings(root, "section", section_table(), d.section);
  write_settings(root, "sampling", sampling_table(), d.sampling);
  write_settings(root, "sampling", simulation_table(), d.sampling.simulation);
  write_settings(root, "sampling", layout_table(), d.sampling.layout);
}

sweep_description read_description(const hdf5::group& root) {
  sweep_description d;
  d.seed = root.read_attribute<std::uint64_t>("seed");
  d.replicates = root.read_attribute<int>("replicates");
  d.config_text = root.read_string("config/text");
  const auto pairs = root.read_strings("config/settings");
  for (std::size_t i = 0; i + 1 < pairs.size(); i += 2) {
    d.settings.emplace_back(pairs[i], pairs[i + 1]);
  }
  d.points = read_design(root);
  settings_found found;
  d.base = read_network(root, "network", found);
  read_settings(root, "section", section_table(), d.section, found);
  read_settings(root, "sampling", sampling_table(), d.sampling, found);
  read_settings(root, "sampling", simulation_table(), d.sampling.simulation, found);
  read_settings(root, "sampling", layout_table(), d.sampling.layout, found);
  found.report(root);
  // As describe_sweep() bounds them: so products of these numbers fit into 64 bits.
  const double rows = static_cast<double>(d.points.size()) * d.replicates * static_cast<double>(d.sampling.transitions);
  if (d.replicates < 1 || rows > most_transitions || d.sampling.transitions < 0 ||
      d.sampling.layout.state.bin_width < 1 || d.sampling.layout.time_bins < 1) {
    throw input_error("the settings in " + root.where().file +
                      " are not possible: the file is damaged; restore it from a copy, or sweep anew with --fresh");
  }
  return d;
}

std::vector<std::string> differences(const sweep_description& stored, const sweep_description& given) {
  std::vector<std::string> found = setting_differences(stored, given, any_setting);
  if (found.empty() &&
      (stored.points.axes != given.points.axes || stored.points.points.rows() != given.points.points.rows() ||
       stored.points.points != given.points.points || stored.points.roles != given.points.roles ||
       stored.points.rounds != given.points.rounds)) {
    found.emplace_back("design: the points in the file are not the points that this version places");
  }
  return found;
}

bool decides_any_task(std::string_view key, const sampling_settings& how) {
  return !key.starts_with("design.") || (how.synthetic_share > 0 && key.starts_with("design.axes."));
}

std::vector<std::string> growth_obstacles(const sweep_description& stored, const sweep_description& given) {
  std::vector<std::string> found = setting_differences(
      stored, given, [&given](const std::string& key) { return decides_any_task(key, given.sampling); });
  if (given.replicates < stored.replicates) {
    found.push_back(shrinks("replicates", stored.replicates, given.replicates));
  }
  if (given.points.size() < stored.points.size()) {
    found.push_back(shrinks("points", stored.points.size(), given.points.size()));
  } else if (given.points.axes != stored.points.axes) {
    found.push_back("axes: " + joined(stored.points.axes) + " in the file, " + joined(given.points.axes) + " now");
  } else if (const std::string moved = first_moved_point(stored.points, given.points); !moved.empty()) {
    found.push_back(moved);
  }
  return found;
}

}  // namespace spikesweep
