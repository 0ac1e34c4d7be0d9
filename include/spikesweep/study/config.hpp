#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <spikesweep/base/config_table.hpp>
#include <spikesweep/learning/settings.hpp>
#include <spikesweep/network/parameters.hpp>
#include <spikesweep/network/section.hpp>
#include <spikesweep/network/task.hpp>
#include <spikesweep/parallel/communicator.hpp>
#include <spikesweep/store/description.hpp>
#include <spikesweep/surrogate/settings.hpp>
#include <spikesweep/sweep/design.hpp>

namespace spikesweep {

/// The text of a config and where it is from, with the points that the config names: plain strings, so that rank 0 can
/// read and broadcast them.
struct config_source {
  std::string text;
  std::string name;
  std::string points_file = {};  ///< The file of design.points_file; empty if the config names none.
  std::string points = {};       ///< Its text.

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& text& name& points_file& points;
  }
};

/// Everything that a config file says, validated.
struct configuration {
  std::uint64_t seed = 1;
  parameters network;
  section_settings section;
  sampling_settings sampling;
  design_settings design;
  refine_settings refine;
  learning_settings learning;
  validation_settings validation;
  /// The file as given. With overrides or points of a file it is one that says the same by itself; its points are then
  /// those of a file points_copy beside it.
  std::string text;
  std::string source;                   ///< File name, or "built-in NAME".
  std::vector<std::string> overridden;  ///< Full keys that --set changed.
  config_source given;                  ///< What was parsed,
  std::vector<std::string> overrides;   ///< and the overrides.
};

/// Reads a file, whose name holds a '/' or ends in ".toml", or the built-in config of that name; and the points file
/// that the config or an override names. In a config its name counts from the folder of the config, in an override
/// from the working directory. Throws input_error, also for whatever is wrong with the keys.
config_source read_config(const std::string& path_or_name, std::span<const std::string> overrides = {});

/// Parses and checks a config: the network preset, then the file's keys, then the overrides ("key=value"; a network
/// parameter needs no "network."). Throws input_error on the first thing that is wrong.
configuration parse_configuration(const config_source& source, std::span<const std::string> overrides);

/// read_config and parse_configuration.
configuration load_configuration(const std::string& path_or_name, std::span<const std::string> overrides);

/// The same on every rank: rank 0 reads, and every rank parses, so that all throw the same input_error. Collective.
configuration load_configuration(const communicator& ranks, const std::string& path_or_name,
                                 std::span<const std::string> overrides);

/// The network of a preset, which has to exist.
parameters preset_network(const std::string& name);

/// Sets network parameters alone, as `--set` does, on an existing network. Returns the keys that it set, such as
/// "network.S_EE". Throws input_error.
std::vector<std::string> override_network(parameters& network, std::span<const std::string> overrides);

/// Key and value of a setting, as text.
using canonical_setting = std::pair<std::string, std::string>;

/// Everything that decides the results of a group, in a fixed order: equal lists, equal results.
std::vector<canonical_setting> canonical_settings(const configuration& config, config_group group);

/// The settings of a sweep that files of earlier versions may lack, each with the value that was in force before.
std::vector<canonical_setting> absent_settings(const configuration& config);

/// Throws input_error unless there is at least one axis to sweep, and none is fixed by --set at the same time.
void require_axes(const configuration& config);

/// What a sweep of this config simulates. Throws input_error as require_axes and make_design do.
sweep_description describe_sweep(const configuration& config);

/// Every key, bound to `config`, which has to outlive the table.
config_table make_config_table(configuration& config);

/// Throws input_error for combinations that cannot work. `table` is bound to `config` and knows where keys were set.
void check_combinations(const configuration& config, const config_table& table);

/// configs/README.md: every key with type, unit, range, default and meaning.
std::string config_reference();

}  // namespace spikesweep
