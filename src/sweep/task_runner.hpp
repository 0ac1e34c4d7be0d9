#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <spikesweep/base/stopwatch.hpp>
#include <spikesweep/store/sweep_file.hpp>
#include <spikesweep/sweep/quarantine.hpp>
#include <spikesweep/sweep/sweep.hpp>

#include "messages.hpp"
#include "run_log.hpp"
#include "unfinished_work.hpp"

namespace spikesweep {

/// Simulates tasks of this rank and writes them.
class task_runner {
 public:
  /// All arguments have to outlive the runner.
  task_runner(task_simulator& simulator, const sweep_description& description, sweep_writer& writer, task_saver& saver,
              int rank)
      : simulator_(simulator), description_(description), writer_(writer), saver_(saver), rank_(rank) {}

  /// Runs tasks until `next` has none and every one in hand was written, or was given up after `poll` returned false.
  /// Returns how many it took.
  std::int64_t run(const std::function<std::optional<std::int64_t>()>& next,
                   const std::function<void(const task_report&)>& report, const std::function<bool()>& poll) {
    std::int64_t taken = 0;
    simulator_.run(
        [&]() -> std::optional<network_task> {
          const std::optional<std::int64_t> task = next();
          if (!task) {
            return std::nullopt;
          }
          ++taken;
          network_task given = task_of(description_, *task);
          task_saver::earlier_part earlier = saver_.earlier(*task);
          begin(*task, earlier);
          given.progress = std::move(earlier.progress);
          return given;
        },
        [&](const network_task& task, task_result&& result) { report(end(task.label, result)); },
        [&] {
          writer_.sync_if_due();
          const bool goes_on = poll();
          if (!goes_on || saver_.due()) {
            simulator_.save([this](const std::vector<unfinished_task>& tasks) { save(tasks); });
          }
          return goes_on;
        });
    return taken;
  }

  /// The same for tasks that may have crashed the job before, in a process of their own. That process saves nothing. So
  /// after an interrupt its tasks go on at the next start from where they were saved before, and not apart: otherwise a
  /// task that is longer than a job would never end.
  void run_apart(const std::vector<std::int64_t>& tasks, const std::vector<std::string>& program,
                 const quarantine_limits& limits,
                 const std::function<void(const task_report&, const std::string& how)>& report,
                 const std::function<bool()>& poll) {
    const auto start = steady_clock::now();
    quarantine_request request{description_.section, description_.sampling, {}};
    for (const std::int64_t task : tasks) {
      request.tasks.push_back(task_of(description_, task));
    }
    std::vector<std::int64_t> left = tasks;
    const bool ended = run_in_quarantine(
        request, program, limits,
        [&](std::int64_t task, task_result&& result, const std::string& how) {
          std::erase(left, task);
          writer_.begin_task(task, rank_);
          writer_.write_task(task, result, seconds_since(start) / static_cast<double>(tasks.size()));
          report(report_of(task, result, seconds_since(start)), how);
        },
        poll);
    for (const std::int64_t task : left) {
      for (int i = 0; !ended && i < suspect_after; ++i) {
        writer_.abandon_task(task);
      }
    }
  }

  /// Adds a line to the log of the sweep file.
  void log(const std::string& line) { writer_.log(line); }

  /// Saves, at this poll, the tasks in hand: this process may soon be ended.
  void save_soon() { saver_.ask(); }
  /// The same, and gives up those that are not expected to end within so many seconds.
  void drop_slow(double seconds) {
    save_soon();
    simulator_.drop_slow(seconds);
  }

  /// What went wrong with saved tasks since the last call.
  std::vector<save_trouble> take_troubles() { return saver_.take_troubles(); }

  /// For a rank without work to call: its last tasks have to come to the disk too, as long as others go on.
  void sync_if_due() { writer_.sync_if_due(); }

  /// Tasks in hand.
  std::size_t in_hand() const { return running_.size(); }
  /// Time spent in the sweep file so far [s].
  double store_s() const { return writer_.io_s(); }

 private:
  struct running_task {
    steady_clock::time_point start;
    double share_before;
    double earlier_s;             ///< Core time that earlier runs spent on it [s].
    std::int64_t earlier_events;  ///< Simulated by them.
  };

  void begin(std::int64_t task, const task_saver::earlier_part& earlier) {
    writer_.begin_task(task, rank_);
    share();
    running_[task] = {last_, share_, earlier.core_s, earlier.events};
  }

  double core_s(const running_task& of) const { return share_ - of.share_before + of.earlier_s; }

  void save(const std::vector<unfinished_task>& unfinished) {
    share();
    std::vector<saved_task> tasks(unfinished.size());
    for (std::size_t i = 0; i < tasks.size(); ++i) {
      tasks[i].attempts = writer_.attempts(unfinished[i].label);
      tasks[i].core_s = core_s(running_.at(unfinished[i].label));
    }
    saver_.save(std::move(tasks), unfinished);
  }

  task_report end(std::int64_t task, const task_result& result) {
    share();
    const running_task was = running_.at(task);
    running_.erase(task);
    if (result.state == task_state::pending) {
      writer_.abandon_task(task);
    } else {
      writer_.write_task(task, result, core_s(was));
      saver_.forget(task);
    }
    task_report report = report_of(task, result, seconds_since(was.start));
    const auto events = static_cast<double>(std::max<std::int64_t>(1, report.events));
    report.share_new = 1 - static_cast<double>(was.earlier_events) / events;
    return report;
  }

  static task_report report_of(std::int64_t task, const task_result& result, double wall_s) {
    return {task, result.state, result.summary.simulated_s, wall_s, result.summary.events, 1};
  }

  /// Divides the time since the last call among the tasks in hand.
  void share() {
    const auto now = steady_clock::now();
    if (!running_.empty()) {
      share_ += std::chrono::duration<double>(now - last_).count() / static_cast<double>(running_.size());
    }
    last_ = now;
  }

  task_simulator& simulator_;
  const sweep_description& description_;
  sweep_writer& writer_;
  task_saver& saver_;
  int rank_;
  std::unordered_map<std::int64_t, running_task> running_;
  double share_ = 0;  ///< Of a task that had been in hand from the first moment on [s].
  steady_clock::time_point last_;
};

/// How often a rank at work looks for messages: each look takes a microsecond or more, and nobody waits for an answer
/// as long as workers ask ahead.
inline constexpr double look_every_s = 2e-3;
/// How long a rank without work sleeps before it looks for messages again: short beside any task, and long enough to
/// leave the core to others where ranks share it.
inline constexpr std::chrono::microseconds idle_pause{200};

}  // namespace spikesweep
