#pragma once

#include <chrono>
#include <functional>

#include <spikesweep/store/sweep_file.hpp>
#include <spikesweep/sweep/sweep.hpp>

#include "messages.hpp"

namespace spikesweep {

using steady_clock = std::chrono::steady_clock;

inline double seconds_since(steady_clock::time_point start) {
  return std::chrono::duration<double>(steady_clock::now() - start).count();
}

/// Simulates tasks of this rank and writes them.
class task_runner {
 public:
  task_runner(const sweep_description& description, const task_function& task, sweep_writer& writer, int rank)
      : description_(description), task_(task), writer_(writer), rank_(rank) {}

  task_report run(std::int64_t task, const std::function<bool()>& poll) const {
    const auto start = steady_clock::now();
    const task_identity identity = description_.identity(task);
    writer_.begin_task(task, rank_);
    const task_result result = task_(static_cast<int>(identity.point), static_cast<int>(identity.replicate), poll);
    task_report report{task, result.state, result.summary.simulated_s, seconds_since(start)};
    if (result.state == task_state::pending) {
      writer_.abandon_task(task);
    } else {
      writer_.write_task(task, result, report.wall_s);
    }
    return report;
  }

 private:
  const sweep_description& description_;
  const task_function& task_;
  sweep_writer& writer_;
  int rank_;
};

/// How long a rank without work sleeps before it looks for messages again: short beside any task, and long enough to
/// leave the core to others where ranks share it.
inline constexpr std::chrono::microseconds idle_pause{200};

}  // namespace spikesweep
