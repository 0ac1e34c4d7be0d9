#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>

#include <boost/mpi/communicator.hpp>

#include <spikesweep/network/transition.hpp>
#include <spikesweep/store/description.hpp>

namespace spikesweep {

/// How far a sweep is.
struct sweep_progress {
  std::int64_t done = 0;    ///< Tasks done, those of earlier runs included.
  std::int64_t failed = 0;  ///< Tasks failed, those of earlier runs included.
  std::int64_t total = 0;   ///< Tasks of the sweep.
  double simulated_s = 0;   ///< Simulated by this run [s].
  double elapsed_s = 0;     ///< Wall time since this run began [s].
};

struct sweep_options {
  bool retry_failed = false;  ///< Also run the failed tasks again.
  /// After a signal, every rank finishes the task in hand if it can within this time, and drops it otherwise [s].
  double grace_s = 20;
  /// When the job will be ended: no task is started that is not expected to end before (see job_end in launch.hpp).
  std::optional<std::chrono::system_clock::time_point> end;
  /// Called on rank 0 after every finished task and about five times a second; may be empty.
  std::function<void(const sweep_progress&)> progress;
};

/// How a sweep ended.
struct sweep_outcome {
  std::int64_t done = 0;     ///< Tasks done, those of earlier runs included.
  std::int64_t failed = 0;   ///< Tasks failed: runaway, time cap, or in flight at max_crashes crashes.
  std::int64_t total = 0;    ///< Tasks of the sweep.
  std::int64_t resumed = 0;  ///< Tasks found done at the start.
  std::int64_t damaged = 0;  ///< Tasks whose checksum did not hold at the start; they were run again.
  bool interrupted = false;  ///< By a signal or the end of the job, with tasks left to do.
  double simulated_s = 0;    ///< Simulated by this run [s].
  double wall_s = 0;         ///< Wall time of this run [s].
};

/// Simulates one task; a function of point and replicate alone. Has to call `poll` (never empty) many times a second,
/// and may give up, with state pending, when it returns false.
using task_function = std::function<task_result(int point, int replicate, const std::function<bool()>& poll)>;

/// sample_task at the points of a description. The description has to outlive it.
task_function network_tasks(const sweep_description& description);

/// Runs every task that is not done yet, on all ranks, into one file: a new one, or one that an earlier run of the same
/// sweep left. Rank 0 schedules, and simulates as well. SIGTERM, SIGINT or SIGUSR1 at rank 0 ends it early, with every
/// finished task on disk; a second one drops the tasks in hand. Collective; every rank gets the same outcome.
///
/// Throws, on every rank, input_error if the file holds another sweep, is no sweep file, or is in use by another job,
/// and environment_error if it cannot be written. A rank that fails in mid-sweep prints one line and aborts the job;
/// with one rank it throws instead.
sweep_outcome run_sweep(const boost::mpi::communicator& communicator, const std::filesystem::path& file,
                        const sweep_description& description, const sweep_options& options);
sweep_outcome run_sweep(const boost::mpi::communicator& communicator, const std::filesystem::path& file,
                        const sweep_description& description, const task_function& task, const sweep_options& options);

}  // namespace spikesweep
