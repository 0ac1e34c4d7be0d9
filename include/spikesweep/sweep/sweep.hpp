#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <spikesweep/network/task_simulator.hpp>
#include <spikesweep/parallel/communicator.hpp>
#include <spikesweep/store/description.hpp>
#include <spikesweep/sweep/damage.hpp>

namespace spikesweep {

/// What a sweep has come to.
struct sweep_counts {
  std::int64_t done = 0;    ///< Tasks done, those of earlier runs included.
  std::int64_t failed = 0;  ///< Tasks failed (runaway, time cap, or crashed), those of earlier runs included.
  std::int64_t total = 0;   ///< Tasks of the sweep.
  std::int64_t ended = 0;   ///< Tasks done or failed in this run.
  double simulated_s = 0;   ///< Simulated by this run [s].
  std::int64_t events = 0;  ///< Network events of this run's tasks that ended.
};

/// How far a sweep is.
struct sweep_progress : sweep_counts {
  double elapsed_s = 0;  ///< Wall time since this run began [s].
  double left_s = 0;     ///< Expected wall time to the end; 0 while unknown [s].
  int busy_ranks = 0;    ///< Ranks with tasks in hand.
  int ranks = 0;
};

/// What a sweep does with a file that is there.
enum class existing_file {
  resume,  ///< Goes on in it; it has to be of this very sweep.
  extend,  ///< The same, but the sweep may have grown: see extend_sweep_file.
  replace  ///< Starts over: see replace_sweep_file.
};

struct sweep_options {
  existing_file existing = existing_file::resume;
  /// What was made from the file: removed when it has been replaced.
  std::vector<std::filesystem::path> made_from_it;
  bool retry_failed = false;  ///< Also run the failed tasks again.
  /// After a signal, the tasks in hand that can end within this time do, and the others are dropped at once [s].
  double grace_s = 20;
  /// Tasks in hand are saved so often, so that a kill costs no more of them; and when a signal comes [s].
  double save_every_s = 5;
  /// When the job will be ended: no task is started that is not expected to end before (see job_end in launch.hpp).
  std::optional<std::chrono::system_clock::time_point> end;
  /// For tasks that were in hand when the job crashed: the program, with its first arguments, that runs them in a
  /// process of their own. It has to call serve_quarantine() (quarantine.hpp). None: these tasks are left waiting.
  std::vector<std::string> quarantine_program;
  /// Such a task is ended, and set aside as crashed, if its process hangs for so long, or if it takes so much longer
  /// than ten times what a task of its point may take at most [s].
  double quarantine_silence_s = 60;
  /// What this process knows of the checksums of the file, and learns; may be null. It has to outlive the sweep.
  tested_tasks* tested = nullptr;
  /// Called on rank 0 after every finished task and about five times a second; may be empty.
  std::function<void(const sweep_progress&)> progress;
};

/// How a sweep ended.
struct sweep_outcome : sweep_counts {
  std::int64_t resumed = 0;   ///< Tasks found done at the start.
  std::int64_t damaged = 0;   ///< Tasks whose checksum did not hold at the start; they were run again.
  bool interrupted = false;   ///< By a signal or the end of the job, with tasks left to do.
  bool unsaved = false;       ///< Not every task in hand could be saved.
  double wall_s = 0;          ///< Wall time of this run [s].
  double store_s = 0;         ///< Time that all ranks together spent in HDF5 for tasks [s].
  double master_s = 0;        ///< Time that rank 0 spent on handing out and on counting [s].
  std::int64_t requests = 0;  ///< Bundles that rank 0 was asked for.
};

/// A task of the sweep as a simulator takes it; its number is its label.
network_task task_of(const sweep_description& description, std::int64_t task);

/// Runs every task that is not done yet, on all ranks, into one file: a new one, or one that an earlier run of the same
/// sweep left (or what options.existing makes of it). Rank 0 schedules, and simulates as well. SIGTERM, SIGINT or
/// SIGUSR1 at rank 0 ends it early, with every finished task on disk; a second one drops the tasks in hand. What is
/// left of tasks in hand lies beside the file (store/unfinished.hpp), and the next run goes on from it. Collective;
/// every rank gets the same outcome.
///
/// Throws, on every rank, input_error if the file holds another sweep, is no sweep file, or is in use by another job,
/// and environment_error if it cannot be written. A rank that fails in mid-sweep prints one line and aborts the job;
/// with one rank it throws instead.
sweep_outcome run_sweep(const communicator& ranks, const std::filesystem::path& file,
                        const sweep_description& description, const sweep_options& options);
/// The same with another simulator of the tasks, which has to call `poll` many times a second.
sweep_outcome run_sweep(const communicator& ranks, const std::filesystem::path& file,
                        const sweep_description& description, task_simulator& simulator, const sweep_options& options);

}  // namespace spikesweep
