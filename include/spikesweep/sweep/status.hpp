#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <spikesweep/store/file_lock.hpp>
#include <spikesweep/store/points.hpp>
#include <spikesweep/sweep/pace.hpp>

namespace spikesweep {

/// One point of a sweep.
struct point_status {
  std::int64_t done = 0;      ///< Tasks done.
  std::int64_t runaway = 0;   ///< Tasks failed: pending kicks passed their bound.
  std::int64_t time_cap = 0;  ///< Tasks failed: too few phases within the simulated-time cap.
  std::int64_t crashed = 0;   ///< Tasks set aside: they ended their process.
  std::int64_t pending = 0;   ///< Tasks left.
  int attempts = 0;           ///< Of the failed task that was started most often.
  double simulated_s = 0;     ///< [s]
  double rate_E = 0;          ///< Mean rate of an E neuron; NaN while no task is done [1/s].
  double rate_I = 0;          ///< Mean rate of an I neuron; NaN while no task is done [1/s].
  double capped_share = 0;    ///< Active phases that were ended by their cap, in [0, 1]; NaN if there was none.
  double empty_share = 0;     ///< Phases of any kind without a spike, in [0, 1]; NaN if there was none.
  std::int64_t left_out = 0;  ///< Excursions that ran away.

  std::int64_t failed() const { return runaway + time_cap + crashed; }
};

/// Whether a job is at work on a sweep.
enum class sweep_activity {
  stopped,
  preparing,  ///< A job has the file, and still makes it or looks through what is there.
  running,
  unknown  ///< The lock names a job on another host, and does not tell whether it lives.
};

/// What is done, failed and left. Taken from the records as they are; `verify` proves them.
struct sweep_status {
  std::string version;  ///< The spikesweep that made the file.
  sweep_activity activity = sweep_activity::stopped;
  lock_holder job;               ///< Who is, or was, at work.
  std::optional<sweep_run> run;  ///< The last run that started.
  sweep_pace pace;
  std::int64_t total = 0;
  std::int64_t done = 0;
  std::int64_t runaway = 0;   ///< As in point_status.
  std::int64_t time_cap = 0;  ///< As in point_status.
  std::int64_t crashed = 0;   ///< As in point_status.
  std::int64_t pending = 0;
  std::int64_t started = 0;  ///< Of the pending ones: in flight now or when the last run died.
  std::int64_t saved = 0;    ///< Of the pending ones: a run left them in mid-work, and the next one goes on from there.
  /// Of the done and failed ones: ended so shortly before `now` that a power cut might take them with it. A rank forces
  /// what it wrote to the disk every sweep_writer::sync_every_s, and at the end of a run.
  std::int64_t unsynced = 0;
  std::int64_t samples = 0;         ///< Transitions in the file.
  double simulated_s = 0;           ///< [s]
  double core_s = 0;                ///< Core time of all done tasks together [s].
  std::vector<int> done_points;     ///< Every task done.
  std::vector<int> failed_points;   ///< At least one task failed.
  std::vector<int> pending_points;  ///< At least one task left, none failed.
  std::vector<point_status> points;
  design swept;                  ///< Axes, and their values at each point.
  std::vector<std::string> log;  ///< When runs started and ended.

  std::int64_t failed() const { return runaway + time_cap + crashed; }
  /// Nothing is left, and no job that may start something again is at work.
  bool over() const {
    return pending == 0 && activity != sweep_activity::running && activity != sweep_activity::preparing;
  }
};

/// Reads the status; safe while a sweep is writing. `now` is what the time left is counted from. Throws input_error if
/// this is no sweep file. Rank-local.
sweep_status read_status(const std::filesystem::path& file,
                         std::chrono::system_clock::time_point now = std::chrono::system_clock::now());

}  // namespace spikesweep
