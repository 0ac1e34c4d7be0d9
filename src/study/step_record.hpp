#pragma once

#include <filesystem>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include <spikesweep/study/config.hpp>
#include <spikesweep/study/run_directory.hpp>

namespace spikesweep {

/// Wall times of the steps of one call [s]. A step that was up to date has no entry.
class step_times {
 public:
  /// Adds to the entry of this step: rounds of refining repeat steps.
  void add(const std::string& name, double seconds);
  const std::vector<std::pair<std::string, double>>& all() const { return times_; }

 private:
  std::vector<std::pair<std::string, double>> times_;
};

/// The settings that decide the result of a step, a line each. Equal texts mean equal results.
std::string settings_text(const configuration& config, std::initializer_list<config_group> groups);

/// Writes run.json: the command, this machine and the times. Rank-local.
void write_run_record(const run_directory& directory, const std::string& command, int ranks, const step_times& times);

}  // namespace spikesweep
