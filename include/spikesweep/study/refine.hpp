#pragma once

#include <filesystem>

#include <spikesweep/study/config.hpp>
#include <spikesweep/study/sweep_step.hpp>

namespace spikesweep {

/// As describe_sweep, with the points that rounds of refining added to the sweep file. Only the file knows these
/// points. They are left out if the flags replace the file.
sweep_description describe_sweep(const configuration& config, const std::filesystem::path& sweep_file,
                                 const sweep_flags& flags);

/// Rounds of refining whose points a design has.
int rounds_of(const design& d);

/// Picks the points of the next round of refining and appends them to `description`. The model file holds the ensemble
/// that picks; it has to be trained on all points of `description`. Changes no file. Collective. Throws
/// interrupted_error after a signal, and input_error if no candidate point is left.
void add_round(const rank_context& job, const configuration& config, const std::filesystem::path& model_file,
               sweep_description& description);

}  // namespace spikesweep
