#pragma once

#include <chrono>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include <spikesweep/store/file_lock.hpp>
#include <spikesweep/study/run_record.hpp>
#include <spikesweep/sweep/status.hpp>

namespace spikesweep {

/// How far the training of a run is, as its log tells.
struct training_status {
  int member = 0;  ///< In work, counted from 0.
  int members = 1;
  int done = 0;  ///< Epochs of this member that ended.
  int epochs = 0;
  /// Until the training ends, tuning included; NaN before the first epoch ends, and if no job is at work [s].
  double left_s = std::numeric_limits<double>::quiet_NaN();
};

/// Where a run is.
struct run_status {
  lock_holder job;              ///< Who is, or was, at work in the directory.
  std::vector<run_call> calls;  ///< Oldest first; none if the run has only just begun.
  /// Of the last call, with a state that holds now: a call that runs no more without a word has died.
  call_state state = call_state::running;
  std::optional<training_status> training;  ///< If the last call is, or ended, in the training.

  bool at_work() const { return job.state != lock_state::free; }
};

/// What is known of a sweep file, or of the directory of a run.
struct target_status {
  std::filesystem::path file;         ///< The sweep file, which may be missing in the directory of a run.
  std::optional<run_status> run;      ///< Of a directory in which a run has begun.
  std::optional<sweep_status> sweep;  ///< If there is a sweep file.

  /// Whether a job is, or may be, at work.
  bool at_work() const;
  /// Nothing is left to wait for: a run has ended in any way; or a sweep without a run has no task left.
  bool over() const;
};

/// Reads the status of a sweep file, or of the directory of a run; safe while a job writes. Returns nothing if neither
/// is there yet. `now` is what the time left is counted from. Throws input_error if a file is no sweep file.
/// Rank-local.
std::optional<target_status> find_status(const std::string& target,
                                         std::chrono::system_clock::time_point now = std::chrono::system_clock::now());

/// The same. Throws input_error if nothing is there.
target_status status_of(const std::string& target);

}  // namespace spikesweep
