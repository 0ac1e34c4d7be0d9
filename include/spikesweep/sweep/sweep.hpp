#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include <spikesweep/network/transition.hpp>
#include <spikesweep/parallel/communicator.hpp>
#include <spikesweep/store/description.hpp>

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
  /// When the job will be ended: no task is started that is not expected to end before (see job_end in launch.hpp).
  std::optional<std::chrono::system_clock::time_point> end;
  /// Called on rank 0 after every finished task and about five times a second; may be empty.
  std::function<void(const sweep_progress&)> progress;
};

/// How a sweep ended.
struct sweep_outcome : sweep_counts {
  std::int64_t resumed = 0;   ///< Tasks found done at the start.
  std::int64_t damaged = 0;   ///< Tasks whose checksum did not hold at the start; they were run again.
  bool interrupted = false;   ///< By a signal or the end of the job, with tasks left to do.
  double wall_s = 0;          ///< Wall time of this run [s].
  double store_s = 0;         ///< Time that all ranks together spent in HDF5 for tasks [s].
  double master_s = 0;        ///< Time that rank 0 spent on handing out and on counting [s].
  std::int64_t requests = 0;  ///< Bundles that rank 0 was asked for.
};

/// What simulates the tasks of one rank, some of them side by side. A task's result has to be a function of the task
/// alone.
class task_engine {
 public:
  /// The next task, if there is one now.
  using next_task = std::function<std::optional<std::int64_t>()>;
  /// Takes the result of a task that ended; state pending: it was given up.
  using finished_task = std::function<void(std::int64_t task, task_result&& result)>;

  virtual ~task_engine() = default;
  /// Most tasks in hand at a time.
  virtual int width() const = 0;
  /// Runs tasks until `next` has none and every one in hand ended. Has to call `poll` (never empty) many times a
  /// second, and may give up all tasks in hand when it returns false.
  virtual void run(const next_task& next, const finished_task& finished, const std::function<bool()>& poll) = 0;
  /// For `poll` to call: gives up, after it, the tasks in hand that are not expected to end within so many seconds.
  /// An engine that cannot tell gives up none.
  virtual void drop_slow(double /*seconds*/) {}
};

/// The lockstep ensemble on the tasks of a description, which has to outlive it.
std::unique_ptr<task_engine> make_network_engine(const sweep_description& description);

/// The finished tasks of a sweep file whose checksum does not hold. Each rank reads an equal share, and calls
/// `progress` now and then with its tasks done and its share. Collective; the same on every rank. Throws input_error if
/// this is no sweep file.
std::vector<std::int64_t> find_damaged(const communicator& ranks, const std::filesystem::path& file,
                                       const std::function<void(std::int64_t done, std::int64_t share)>& progress = {});

/// Runs every task that is not done yet, on all ranks, into one file: a new one, or one that an earlier run of the same
/// sweep left (or what options.existing makes of it). Rank 0 schedules, and simulates as well. SIGTERM, SIGINT or
/// SIGUSR1 at rank 0 ends it early, with every finished task on disk; a second one drops the tasks in hand. Collective;
/// every rank gets the same outcome.
///
/// Throws, on every rank, input_error if the file holds another sweep, is no sweep file, or is in use by another job,
/// and environment_error if it cannot be written. A rank that fails in mid-sweep prints one line and aborts the job;
/// with one rank it throws instead.
sweep_outcome run_sweep(const communicator& ranks, const std::filesystem::path& file,
                        const sweep_description& description, const sweep_options& options);
sweep_outcome run_sweep(const communicator& ranks, const std::filesystem::path& file,
                        const sweep_description& description, task_engine& engine, const sweep_options& options);

}  // namespace spikesweep
