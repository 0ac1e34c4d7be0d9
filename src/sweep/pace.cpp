#include <algorithm>

#include <spikesweep/sweep/pace.hpp>

#include "run_log.hpp"

namespace spikesweep {

namespace {

/// Tasks that ended.
struct finished_work {
  std::int64_t tasks = 0;
  double cost = 0;
  double core_s = 0;
  double latest = 0;  ///< [s since 1970]

  void add(const paced_task& task) {
    ++tasks;
    cost += task.cost;
    core_s += task.core_s;
    latest = std::max(latest, task.finished_at);
  }
};

}  // namespace

std::optional<sweep_run> last_run(std::span<const std::string> log) {
  bool ended = false;
  bool asked = false;
  for (auto line = log.rbegin(); line != log.rend(); ++line) {
    if (const auto begin = read_begin_line(*line)) {
      return sweep_run{begin->at, begin->ranks, ended, asked};
    }
    ended = ended || is_end_line(*line);
    asked = asked || is_asked_line(*line);
  }
  return std::nullopt;
}

sweep_pace pace_of(std::span<const paced_task> tasks, const std::optional<sweep_run>& run, int width, double now) {
  finished_work ever;
  finished_work of_run;
  double left_cost = 0;
  for (const paced_task& task : tasks) {
    if (task.left) {
      left_cost += task.cost;
    } else if (task.finished_at > 0) {  // Never of a task that was set aside.
      ever.add(task);
      if (run && task.finished_at >= run->started_at) {
        of_run.add(task);
      }
    }
  }
  sweep_pace pace;
  const finished_work& basis = of_run.tasks > 0 ? of_run : ever;
  if (left_cost == 0) {
    pace.left_core_s = 0;
  } else if (basis.cost > 0) {
    pace.left_core_s = left_cost * basis.core_s / basis.cost;
  }
  if (run) {
    const double lane_s = basis.tasks > 0 ? basis.core_s / static_cast<double>(basis.tasks) * width : 0;
    const double end = run->started_at + (of_run.core_s + pace.left_core_s) / run->ranks + lane_s / 2;
    pace.left_s = end < now ? 0 : end - now;  // Stays NaN.
    if (of_run.tasks > 0 && of_run.latest > run->started_at) {
      pace.tasks_per_s = static_cast<double>(of_run.tasks) / (of_run.latest - run->started_at);
    }
  }
  return pace;
}

}  // namespace spikesweep
