#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace spikesweep {

/// One point of a sweep.
struct point_status {
  std::int64_t done = 0;     ///< Tasks done.
  std::int64_t failed = 0;   ///< Tasks failed.
  std::int64_t pending = 0;  ///< Tasks left.
  double simulated_s = 0;    ///< [s]
  double rate_E = 0;         ///< Mean rate of an E neuron; 0 if nothing was simulated [1/s].
  double rate_I = 0;         ///< Mean rate of an I neuron; 0 if nothing was simulated [1/s].
  double capped_share = 0;   ///< Active phases that were ended by their cap, in [0, 1].
  double empty_share = 0;    ///< Phases of any kind without a spike, in [0, 1].
};

/// What is done, failed and left. Taken from the records as they are; `verify` proves them.
struct sweep_status {
  std::string version;  ///< The spikesweep that made the file.
  std::int64_t total = 0;
  std::int64_t done = 0;
  std::int64_t runaway = 0;   ///< Failed: pending kicks passed their bound.
  std::int64_t time_cap = 0;  ///< Failed: too few phases within the simulated-time cap.
  std::int64_t crashed = 0;   ///< Set aside: they ended their process.
  std::int64_t pending = 0;
  std::int64_t started = 0;         ///< Of the pending ones: in flight now or when the last run died.
  std::int64_t samples = 0;         ///< Transitions on disk.
  double simulated_s = 0;           ///< [s]
  double core_s = 0;                ///< Core time of all finished tasks together [s].
  std::vector<int> done_points;     ///< Every task done.
  std::vector<int> failed_points;   ///< At least one task failed.
  std::vector<int> pending_points;  ///< At least one task left, none failed.
  std::vector<point_status> points;
  std::vector<std::string> log;  ///< When runs started and ended.

  std::int64_t failed() const { return runaway + time_cap + crashed; }
};

/// Reads the status; safe while a sweep is writing. Throws input_error if this is no sweep file. Rank-local.
sweep_status read_status(const std::filesystem::path& file);

}  // namespace spikesweep
