#pragma once

#include <cstdint>

#include <spikesweep/store/description.hpp>
#include <spikesweep/sweep/sweep.hpp>

namespace spikesweep {

/// What a few short tasks showed about the cost of a sweep.
struct task_calibration {
  double ns_per_event = 5;  ///< Wall time of a network event on one core with all lanes taken [ns].
  double cost_ratio = 1;    ///< Events simulated over events expected (expected_events).
  std::int64_t tasks = 0;   ///< Tasks that it rests on; 0: no measurement, only the defaults above.
};

/// What a sweep would take.
struct sweep_plan {
  std::int64_t points = 0;
  std::int64_t train_points = 0;
  std::int64_t selection_points = 0;
  std::int64_t test_points = 0;
  std::int64_t tasks = 0;
  std::int64_t samples = 0;      ///< Transitions, if no task fails.
  std::uint64_t disk_bytes = 0;  ///< Size of the sweep file.
  std::uint64_t memory_bytes =
      0;                  ///< Of one rank, for the samples of the tasks in hand; the program itself not counted.
  double events = 0;      ///< Network events, roughly.
  double core_s = 0;      ///< Time of one core, roughly [s].
  bool measured = false;  ///< Whether a calibration stands behind events and core_s.

  /// Wall time on so many ranks, a core each, roughly [s].
  double wall_s(int ranks) const;
};

/// Runs a short task in each lane, the cheapest, the costliest and the middle point by expectation first among them,
/// for at most `budget_s` of wall time. Rank-local.
task_calibration calibrate(const sweep_description& description, double budget_s = 2);

/// Counts and estimates. Rank-local; simulates nothing.
sweep_plan plan_sweep(const sweep_description& description, const task_calibration& calibration = {});

}  // namespace spikesweep
