#pragma once

#include <vector>

#include <spikesweep/learning/dataset.hpp>
#include <spikesweep/learning/model.hpp>
#include <spikesweep/learning/settings.hpp>

namespace spikesweep {

/// Transitions at one point.
struct point_transitions {
  std::vector<double> values;  ///< Of the axes.
  parameters network;
  transition_block block;
};

/// A model that nobody has trained, with the sizes and scales that one of these transitions has, for measuring how long
/// its parts take. Fills `rows` with the transitions, as training takes them. There has to be at least one transition.
/// Rank-local; needs no MPI.
model rehearsal_model(const transition_space& space, const std::vector<point_transitions>& transitions,
                      const learning_settings& settings, dataset& rows);

/// What the parts of a training take on one core [s].
struct training_pace {
  double row_s = 0;     ///< One row of a batch: forward, backward, and its share of the exact sum.
  double update_s = 0;  ///< One update of the weights, whatever the batch.
};

/// Works on batches as the training does, for about `budget_s` of wall time, and at least on two. Rank-local; needs no
/// MPI.
training_pace time_training(const model& m, const dataset& rows, const learning_settings& settings, double budget_s);

}  // namespace spikesweep
