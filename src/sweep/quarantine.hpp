#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <spikesweep/network/task_simulator.hpp>

namespace spikesweep {

/// Runs tasks in a process of their own, so that one which ends its process ends no more than that: for tasks that were
/// in hand when the job crashed, one of which may have been the cause. All side by side; if that process dies, those
/// that were left in two halves, and so on down to single ones. `finished` gets the label of every task, with state
/// crashed if its process died with it alone in it, and how it died.
///
/// `poll` is called many times a second; when it returns false the process is killed, the tasks left are not reported,
/// and the call returns false. Must not be called while the simulator has a task in hand. Rank-local; the process makes
/// no MPI call.
bool run_in_quarantine(
    task_simulator& simulator, const std::vector<network_task>& tasks,
    const std::function<void(std::int64_t task, task_result&& result, const std::string& how)>& finished,
    const std::function<bool()>& poll);

}  // namespace spikesweep
