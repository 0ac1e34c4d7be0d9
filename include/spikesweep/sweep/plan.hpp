#pragma once

#include <cstdint>
#include <vector>

#include <spikesweep/store/description.hpp>
#include <spikesweep/sweep/sweep.hpp>

namespace spikesweep {

/// The transitions of a trial task.
struct trial_transitions {
  int point = 0;
  transition_block block;
};

/// What a few short tasks showed about the cost of a sweep.
struct task_calibration {
  double ns_per_event = 5;       ///< Wall time of a network event on one core with all lanes taken [ns].
  double cost_ratio = 1;         ///< Events of whole tasks over events expected (expected_events).
  std::int64_t tasks = 0;        ///< Trial tasks that ended, and so stand behind cost_ratio; 0: it is a default.
  std::int64_t transitions = 0;  ///< Of each trial task.
  double wall_s = 0;             ///< Wall time behind ns_per_event; 0: it is a default [s].
  double events_per_s = 0;       ///< Network events of a simulated second, mean over the trial tasks; 0: none ended.
  std::vector<trial_transitions> trials;  ///< What the trial tasks gave.
};

/// What a sweep would take.
struct sweep_plan {
  std::int64_t points = 0;
  std::int64_t train_points = 0;
  std::int64_t selection_points = 0;
  std::int64_t test_points = 0;
  std::int64_t tasks = 0;
  std::int64_t samples = 0;      ///< Transitions, if no task fails.
  int width = 1;                 ///< Tasks that a rank has in hand at a time.
  std::uint64_t disk_bytes = 0;  ///< Size of the sweep file.
  std::uint64_t memory_bytes =
      0;                         ///< Of one rank, for the samples of the tasks in hand; the program itself not counted.
  double events = 0;             ///< Network events, roughly.
  double core_s = 0;             ///< Time of one core, roughly [s].
  task_calibration calibration;  ///< What stands behind events and core_s.

  /// Wall time on so many ranks, a core each, roughly [s].
  double wall_s(int ranks) const;
};

/// Keeps a core, and every lane of it, busy with short tasks for `budget_s` of wall time (1.4 times that if the first
/// of each lane has not ended by then), at points spread over the range of expected costs, one a lane. Rank-local.
task_calibration calibrate(const sweep_description& description, double budget_s = 0.6);

/// Counts and estimates. Rank-local; simulates nothing.
sweep_plan plan_sweep(const sweep_description& description, const task_calibration& calibration = {});

}  // namespace spikesweep
