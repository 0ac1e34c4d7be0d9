#pragma once

#include <functional>
#include <vector>

#include <spikesweep/learning/trainer.hpp>
#include <spikesweep/parallel/communicator.hpp>

namespace spikesweep {

/// Scores a model by closed loops at the selection points, which are shared out over the ranks: mean over the points of
/// the relative errors of the E and I rates against what the sweep measured there; not a number if there are no points.
/// For training_options::score.
/// The function is collective; points and settings are copied.
std::function<closed_loop_score(const model&)> closed_loop_selection(const communicator& comm,
                                                                     std::vector<measured_point> points,
                                                                     const learning_settings& settings);

}  // namespace spikesweep
