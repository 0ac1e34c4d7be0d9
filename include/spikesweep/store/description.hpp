#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <spikesweep/network/parameters.hpp>
#include <spikesweep/network/section.hpp>
#include <spikesweep/network/task.hpp>
#include <spikesweep/store/points.hpp>

namespace spikesweep {

/// A sweep has at most so many transitions: a petabyte and more, and counts of bytes still fit into 64 bits.
inline constexpr double most_transitions = 1e15;

/// Everything that decides the samples of a sweep, and the config it came from.
struct sweep_description {
  parameters base;
  section_settings section;
  sampling_settings sampling;
  design points;
  int replicates = 1;
  std::uint64_t seed = 1;
  std::string config_text;  ///< The config in force.
  std::vector<std::pair<std::string, std::string>>
      settings;  ///< Canonical key and value of all that decides the samples.
  /// Canonical key and value of the settings that older files lack: what was in force when these were made.
  std::vector<std::pair<std::string, std::string>> absent;

  std::int64_t tasks() const { return static_cast<std::int64_t>(points.size()) * replicates; }
  std::int64_t rows() const { return tasks() * sampling.transitions; }
  /// Task t is replicate t % replicates of point t / replicates; it owns the rows from t * sampling.transitions on.
  task_identity identity(std::int64_t task) const {
    return {seed, static_cast<std::uint32_t>(task / replicates), static_cast<std::uint32_t>(task % replicates)};
  }
};

/// Whether the setting of this canonical key decides the samples of every task, and not only which tasks there are.
/// Synthetic states come from anywhere in the ranges of the axes.
bool decides_any_task(std::string_view key, const sampling_settings& how);

/// What keeps `given` from being `stored` with more points or replicates, one line each; empty if every task of
/// `stored` has the same samples in `given`: its points come first, with equal values, no replicate is missing, and
/// all settings but those of the design agree. Roles of points do not count: they decide no sample.
std::vector<std::string> growth_obstacles(const sweep_description& stored, const sweep_description& given);

}  // namespace spikesweep
