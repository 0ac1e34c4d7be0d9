#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <spikesweep/network/task_simulator.hpp>

/// Tasks in a process of their own, so that one which ends its process, or never ends, takes no more than that with it:
/// for tasks that were in hand when the job crashed, one of which may have been the cause.
///
/// The process is a program that was started anew: a copy of a process that runs MPI and has the sweep file open would
/// share both with it.
namespace spikesweep {

/// What such a process is to simulate.
struct quarantine_request {
  section_settings section;
  sampling_settings sampling;
  std::vector<network_task> tasks;  ///< Of one model and one seed.
};

/// How long such a process may take.
struct quarantine_limits {
  /// A simulator calls `poll` many times a second. A process whose simulator did not for so long hangs [s].
  double silence_s = 60;
  /// The longest time in which none of these tasks, in hand together, begins or ends [s].
  std::function<double(const std::vector<std::int64_t>& in_hand)> longest_s;
};

/// Runs the tasks in processes of their own, one process at a time. `program` is started for each and has to call
/// serve_quarantine(). All tasks run side by side; if the process dies or is ended at a limit, those that were in hand
/// run again in two halves, and so on down to single ones, and those that had not begun in another process. `finished`
/// gets the label of every task, with state crashed if it ended the process that it had for itself, and how.
///
/// `poll` is called many times a second; when it returns false the process is killed, the tasks left are not reported,
/// and the call returns false. Rank-local. Throws environment_error if the system starts no process, or if a process
/// ends before it begins a task.
bool run_in_quarantine(
    const quarantine_request& request, const std::vector<std::string>& program, const quarantine_limits& limits,
    const std::function<void(std::int64_t task, task_result&& result, const std::string& how)>& finished,
    const std::function<bool()>& poll);

/// In the process: runs the tasks that it was started for, with the simulator that `make` makes for them. To be called
/// before anything reads standard input or prints; needs no MPI. Throws input_error if no run_in_quarantine() started
/// this process.
void serve_quarantine(const std::function<std::unique_ptr<task_simulator>(const quarantine_request&)>& make);

/// The same with the simulator of the network, as a sweep has it.
void serve_quarantine();

}  // namespace spikesweep
