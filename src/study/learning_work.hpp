#pragma once

#include <spikesweep/learning/settings.hpp>
#include <spikesweep/store/points.hpp>

namespace spikesweep {

/// Closed loops in the training of one member: simulated time of all chains at all points together [s].
struct closed_loop_work {
  double candidate_s = 0;  ///< To compare one epoch.
  double tuning_s = 0;     ///< To tune.
};

closed_loop_work loops_of_training(const learning_settings& settings, const design& points);

/// How many epochs that are compared in closed loop come after `epoch`, roughly: they are spread over the last 40 % of
/// the epochs.
double candidates_after(const learning_settings& settings, int epoch);

}  // namespace spikesweep
