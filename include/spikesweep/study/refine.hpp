#pragma once

#include <filesystem>

#include <spikesweep/parallel/rank_context.hpp>
#include <spikesweep/study/config.hpp>

namespace spikesweep {

/// Appends a training point that a round of refining picked.
void append_point(design& d, const Eigen::Ref<const Eigen::RowVectorXd>& values, int round);

/// Rounds of refining whose points a design has.
int rounds_of(const design& d);

/// Picks the points of the next round of refining and appends them to `description`. The model file holds the ensemble
/// that picks; it has to be trained on all points of `description`. Changes no file. Collective. Throws
/// interrupted_error after a signal, and input_error if no candidate point is left.
void add_round(const rank_context& job, const configuration& config, const std::filesystem::path& model_file,
               sweep_description& description);

}  // namespace spikesweep
