#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>
#include <system_error>

#include <fmt/format.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/base/nearest.hpp>
#include <spikesweep/network/simulators.hpp>
#include <spikesweep/parallel/collective.hpp>
#include <spikesweep/store/text_file.hpp>
#include <spikesweep/study/config.hpp>
#include <spikesweep/study/design_points.hpp>
#include <spikesweep/study/points_file.hpp>

#include "embedded.hpp"

namespace spikesweep {

namespace {

/// The text is kept in every file made from it; a larger file is no config.
constexpr std::size_t largest_config = 1 << 20;

/// A bare name is that of a built-in config, whatever lies in the working directory.
bool is_path(const std::string& path_or_name) {
  return path_or_name.find('/') != std::string::npos || path_or_name.ends_with(".toml");
}

config_source read_embedded(const std::string& name) {
  std::vector<std::string> names;
  for (const embedded_config& config : embedded_configs()) {
    if (config.name == name) {
      return {std::string(config.text), "built-in " + name};
    }
    names.emplace_back(config.name);
  }
  std::error_code failure;
  if (std::filesystem::is_regular_file(name, failure)) {
    throw input_error(
        fmt::format("there is no built-in config '{}'; for the file of that name write './{}'; built-in ones: {}", name,
                    name, fmt::join(names, ", ")));
  }
  const std::string near = nearest_name(name, names);
  throw input_error(fmt::format("config '{}' does not exist; {}", name,
                                near.empty() ? fmt::format("built-in ones: {}", fmt::join(names, ", "))
                                             : "did you mean the built-in '" + near + "'?"));
}

config_source read_file(const std::string& name) {
  std::optional<std::string> whole = read_input(name, "config", largest_config);
  if (!whole) {
    throw input_error(
        fmt::format("config '{}' is larger than 1 MiB: not a config file; many points fit into a "
                    "'design.points_file'",
                    name));
  }
  std::string text = *std::move(whole);
  if (text.find_first_not_of(" \t\r\n") == std::string::npos) {
    throw input_error(fmt::format("config '{}' is empty; write at least one key, or name a built-in config", name));
  }
  return {std::move(text), name};
}

/// The points file that a config names, as a path from the working directory; empty if it names none.
std::string points_file_of(const config_source& source, std::span<const std::string> overrides) {
  configuration config;
  config_table table = make_config_table(config);
  read_toml(table, source.text, source.name);
  apply_overrides(table, overrides, "network");
  const std::filesystem::path file = config.design.points_file;
  const auto place = table.place_of("design.points_file");
  const bool of_config = place && place->source == source.name && is_path(source.name);
  return file.empty() || !of_config ? file.string()
                                    : (std::filesystem::path(source.name).parent_path() / file).string();
}

void read_points(config_source& source, std::span<const std::string> overrides) {
  source.points_file = points_file_of(source, overrides);
  if (source.points_file.empty()) {
    return;
  }
  source.points = read_points_file(source.points_file);
}

std::string section_of_key(const std::string& key) {
  const std::size_t dot = key.rfind('.');
  return dot == std::string::npos ? "" : key.substr(0, dot);
}

/// The config with its overrides as one TOML text, which makes the same again by itself: every value that was set
/// or differs from its default, the keys of a section together.
std::string text_in_force(const configuration& config, const config_table& table,
                          std::span<const std::string> overrides) {
  configuration defaults;
  const config_table of_defaults = make_config_table(defaults);
  std::vector<std::string> sections{""};
  std::map<std::string, std::string> lines;  // Of each section.
  for (const config_entry& entry : table.entries()) {
    std::optional<config_value> value = entry.get();
    if (value && entry.type == config_type::file) {
      value = std::string(points_copy);
    }
    const bool is_default = value == of_defaults.find(entry.key)->get();
    if (!value || (is_default && !table.place_of(entry.key))) {
      continue;
    }
    const std::string section = section_of_key(entry.key);
    if (!section.empty() && lines.find(section) == lines.end()) {
      sections.push_back(section);
    }
    lines[section] +=
        fmt::format("{} = {}\n", entry.key.substr(section.empty() ? 0 : section.size() + 1), to_text(*value));
  }
  std::string text = fmt::format("# {}{}\n", config.source, overrides.empty() ? "" : " with");
  for (std::string line : overrides) {
    std::ranges::replace_if(
        line, [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
    text += "# --set " + line + '\n';
  }
  for (const std::string& section : sections) {
    text += section.empty() ? lines[section] : fmt::format("\n[{}]\n{}", section, lines[section]);
  }
  const configuration again =
      parse_configuration({text, "the config in force", config.given.points_file, config.given.points}, {});
  for (const config_group group :
       {config_group::sweep, config_group::refinement, config_group::learning, config_group::validation}) {
    if (canonical_settings(again, group) != canonical_settings(config, group)) {
      throw internal_error("the text of the config in force means something else");
    }
  }
  return text;
}

}  // namespace

config_source read_config(const std::string& path_or_name, std::span<const std::string> overrides) {
  config_source source = is_path(path_or_name) ? read_file(path_or_name) : read_embedded(path_or_name);
  read_points(source, overrides);
  return source;
}

configuration parse_configuration(const config_source& source, std::span<const std::string> overrides) {
  configuration config;
  config.source = source.name;
  config.text = source.text;
  config.given = source;
  config.overrides.assign(overrides.begin(), overrides.end());
  config_table table = make_config_table(config);
  read_toml(table, source.text, source.name);
  config.overridden = apply_overrides(table, overrides, "network");
  if (!config.design.points_file.empty()) {
    SPIKESWEEP_ASSERT(!source.points_file.empty());  // read_config reads it.
    take_first_points(config, table, parse_first_points(source.points, source.points_file));
  }
  for (auto& [key, held_out] : {std::pair("design.selection_points", &config.design.selection_points),
                                std::pair("design.test_points", &config.design.test_points)}) {
    if (!table.place_of(key)) {
      *held_out = usual_held_out(design_size(config.design));
    }
  }
  check_combinations(config, table);
  const bool other_points = !config.design.points_file.empty() && config.design.points_file != points_copy;
  if (!overrides.empty() || other_points) {
    config.text = text_in_force(config, table, overrides);
  }
  return config;
}

configuration load_configuration(const std::string& path_or_name, std::span<const std::string> overrides) {
  return parse_configuration(read_config(path_or_name, overrides), overrides);
}

configuration load_configuration(const communicator& ranks, const std::string& path_or_name,
                                 std::span<const std::string> overrides) {
  return parse_configuration(on_root(ranks, [&] { return read_config(path_or_name, overrides); }), overrides);
}

std::vector<canonical_setting> canonical_settings(const configuration& config, config_group group) {
  configuration copy = config;
  std::vector<canonical_setting> settings = make_config_table(copy).values(group);
  if (group == config_group::sweep && config.design.first.size() > 0) {
    settings.emplace_back("design.points_file", digest_of(config.design.first));
  }
  return settings;
}

std::vector<canonical_setting> absent_settings(const configuration& config) {
  configuration copy = config;
  const config_table table = make_config_table(copy);
  std::vector<canonical_setting> all;
  for (const config_entry& entry : table.entries()) {
    if (entry.group == config_group::sweep && entry.absent) {
      all.emplace_back(entry.key, to_text(*entry.absent));
    }
  }
  return all;
}

sweep_description describe_sweep(const configuration& config) {
  require_axes(config);
  sweep_description description;
  description.base = config.network;
  description.section = config.section;
  description.sampling = config.sampling;
  try {
    description.points = make_design(config.design, config.network, config.seed);
  } catch (const input_error& error) {
    throw input_error(config.source + ": " + error.what());
  }
  const double samples = static_cast<double>(description.points.size()) * config.design.replicates *
                         static_cast<double>(config.sampling.transitions);
  if (samples > most_transitions) {
    throw input_error(fmt::format(
        "{}: {} points of {} replicates with {} transitions each make more than 10^15 samples; ask for fewer",
        config.source, description.points.size(), config.design.replicates, config.sampling.transitions));
  }
  description.sampling.swept = swept_ranges(config.design);
  description.replicates = config.design.replicates;
  description.seed = config.seed;
  description.config_text = config.text;
  description.settings = canonical_settings(config, config_group::sweep);
  description.absent = absent_settings(config);
  description.settings.emplace_back("simulator",
                                    simulator_of_tasks(config.network.model, config.sampling.simulation).version);
  return description;
}

}  // namespace spikesweep
