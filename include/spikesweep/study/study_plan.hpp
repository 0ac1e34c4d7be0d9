#pragma once

#include <cstdint>

#include <spikesweep/study/config.hpp>
#include <spikesweep/sweep/plan.hpp>

namespace spikesweep {

/// Work that ranks share, and work that each rank does for itself.
struct step_work {
  double shared_s = 0;  ///< Time of one core, for all ranks together [s].
  double each_s = 0;    ///< [s]

  double wall_s(int ranks) const { return shared_s / ranks + each_s; }
  step_work& operator+=(const step_work& more);
};

/// What the pieces of training and validation take on one core, measured here.
struct study_pace {
  double row_s = 0;              ///< A row of training [s].
  double update_s = 0;           ///< An update of the weights [s].
  double loop_s = 0;             ///< A transition in closed loop [s].
  double transitions_per_s = 0;  ///< Transitions in a simulated second.
  double events_per_s = 0;       ///< Network events in a simulated second.
  double wall_s = 0;             ///< Wall time behind these numbers [s].
};

/// What a whole `run` would take.
struct study_plan {
  sweep_plan sweep;
  study_pace pace;
  std::int64_t training_rows = 0;  ///< Of the last training, that with the most points.
  int trainings = 1;               ///< One more than rounds of refining.
  step_work refining;              ///< Sweeps of later rounds, and the search for their points.
  step_work training;              ///< All trainings.
  step_work validation;            ///< Nothing if there are no test points.
  double report_s = 0;             ///< Likewise.
  std::uint64_t model_bytes = 0;   ///< Of the model file, roughly; during the training there are checkpoints too.
  std::uint64_t checkpoint_bytes = 0;

  double sweep_wall_s(int ranks) const { return sweep.wall_s(ranks) + refining.wall_s(ranks); }
  double wall_s(int ranks) const {
    return sweep_wall_s(ranks) + training.wall_s(ranks) + validation.wall_s(ranks) + report_s;
  }
};

/// Counts and estimates. Simulates trial tasks (see calibrate), and times training and closed loops of an untrained
/// model of the sizes of the config on what they gave: about a second in all. Rank-local; needs no MPI.
study_plan plan_study(const configuration& config, const sweep_description& description);

}  // namespace spikesweep
