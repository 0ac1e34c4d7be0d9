#pragma once

#include <functional>
#include <optional>
#include <vector>

#include <spikesweep/network/task.hpp>
#include <spikesweep/network/transition.hpp>

namespace spikesweep {

/// Simulates tasks on one core, some of them side by side. The result of a task is a function of the task and of the
/// settings of the simulator alone. One thread at a time may use a simulator.
class task_simulator {
 public:
  /// The next task, if there is one now; asked again later if there is none.
  using next_task = std::function<std::optional<network_task>()>;
  /// Takes the result of a task that ended. State pending: the task was abandoned.
  using finished_task = std::function<void(const network_task& task, task_result&& result)>;

  virtual ~task_simulator() = default;

  /// Most tasks in hand at a time.
  virtual int width() const = 0;

  /// Simulates tasks until `next` has none and every task in hand has ended. Calls `poll` many times a second, so that
  /// the caller can do other work; when `poll` returns false, abandons the tasks in hand and returns false. Exceptions
  /// of the three functions pass through and end the use of the simulator.
  virtual bool run(const next_task& next, const finished_task& finished, const std::function<bool()>& poll = {}) = 0;

  /// Takes all tasks that are in hand, as they stand.
  using take_unfinished = std::function<void(std::vector<unfinished_task>&& tasks)>;
  /// For `poll` of run() to call: when `poll` has returned, and before anything is abandoned, hands the tasks in hand
  /// to `take`. They go on as if nothing had happened. False: this simulator cannot do that, and does not call `take`.
  virtual bool save(const take_unfinished& /*take*/) { return false; }

  /// For `poll` to call: after it, abandons the tasks in hand that are not expected to end within `seconds` of wall
  /// time. A simulator that cannot tell abandons none.
  virtual void drop_slow(double /*seconds*/) {}
};

/// A task simulator that can follow its networks, too.
class network_simulator : public task_simulator {
 public:
  /// Takes a run that ended. State pending: the run was abandoned.
  using finished_run = std::function<void(const network_task& task, exact_run&& run)>;

  /// As run(), but follows each network for `seconds` after its burn-in (with `volley` also after the measurement of
  /// the mean pool) instead of sampling transitions.
  virtual bool follow(double seconds, const next_task& next, const finished_run& finished,
                      const std::function<bool()>& poll = {}) = 0;
};

}  // namespace spikesweep
