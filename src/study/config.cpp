#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

#include <fmt/format.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/base/nearest.hpp>
#include <spikesweep/network/simulators.hpp>
#include <spikesweep/parallel/collective.hpp>
#include <spikesweep/study/config.hpp>

#include "embedded.hpp"

namespace spikesweep {

namespace {

/// The text is kept in every file made from it; a larger file is no config.
constexpr std::uintmax_t largest_config = 1 << 20;

}  // namespace

config_source read_config(const std::string& path_or_name) {
  std::error_code failure;
  const std::filesystem::path path(path_or_name);
  if (!std::filesystem::exists(path, failure)) {
    std::vector<std::string> names;
    for (const embedded_config& config : embedded_configs()) {
      if (config.name == path_or_name) {
        return {std::string(config.text), "built-in " + path_or_name};
      }
      names.emplace_back(config.name);
    }
    const std::string near = nearest_name(path_or_name, names);
    throw input_error(fmt::format("config '{}' does not exist{}; {}", path_or_name,
                                  failure ? " (" + failure.message() + ")" : "",
                                  near.empty() ? fmt::format("built-in ones: {}", fmt::join(names, ", "))
                                               : "did you mean the built-in '" + near + "'?"));
  }
  if (!std::filesystem::is_regular_file(path, failure) && !std::filesystem::is_fifo(path, failure)) {
    throw input_error(fmt::format("config '{}' is not a file", path_or_name));
  }
  std::ifstream stream(path, std::ios::binary);
  std::string text;
  for (std::istreambuf_iterator<char> next(stream), end; next != end && text.size() <= largest_config; ++next) {
    text += *next;
  }
  if (!stream) {
    throw input_error(fmt::format("config '{}' cannot be read", path_or_name));
  }
  if (text.size() > largest_config) {
    throw input_error(fmt::format("config '{}' is larger than 1 MiB: not a config file", path_or_name));
  }
  return {std::move(text), path_or_name};
}

configuration parse_configuration(const config_source& source, std::span<const std::string> overrides) {
  configuration config;
  config.source = source.name;
  config.text = source.text;
  config_table table = make_config_table(config);
  read_toml(table, source.text, source.name);
  config.overridden = apply_overrides(table, overrides, "network");
  for (const std::string& text : overrides) {
    config.text += (config.text.empty() || config.text.back() == '\n' ? "# --set " : "\n# --set ") + text + '\n';
  }
  check_combinations(config, table);
  return config;
}

configuration load_configuration(const std::string& path_or_name, std::span<const std::string> overrides) {
  return parse_configuration(read_config(path_or_name), overrides);
}

configuration load_configuration(const communicator& ranks, const std::string& path_or_name,
                                 std::span<const std::string> overrides) {
  return parse_configuration(on_root(ranks, [&] { return read_config(path_or_name); }), overrides);
}

std::vector<canonical_setting> canonical_settings(const configuration& config, config_group group) {
  configuration copy = config;
  return make_config_table(copy).values(group);
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
