#pragma once

#include <filesystem>

#include <spikesweep/study/config.hpp>
#include <spikesweep/study/sweep_step.hpp>

namespace spikesweep {

/// describe_sweep, and the points that rounds of refining have added to the sweep file, unless that is to be replaced:
/// which these are was decided when they were picked, and is kept in the file.
sweep_description describe_sweep(const configuration& config, const std::filesystem::path& sweep_file,
                                 const sweep_flags& flags);

/// Rounds of refining whose points a design has.
int rounds_of(const design& d);

/// Picks the points of the next round by the ensemble in the model file, which has to be trained on all the points of
/// `description`, and appends them to that. Changes no file. Collective. Throws interrupted_error after a signal, and
/// input_error if there is no place left to pick.
void add_round(const rank_context& job, const configuration& config, const std::filesystem::path& model_file,
               sweep_description& description);

}  // namespace spikesweep
