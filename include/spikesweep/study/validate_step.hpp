#pragma once

#include <filesystem>

#include <spikesweep/parallel/rank_context.hpp>
#include <spikesweep/study/config.hpp>
#include <spikesweep/surrogate/validation.hpp>
#include <spikesweep/sweep/damage.hpp>

namespace spikesweep {

/// The sweep file that a model was trained on: beside the model, or where it was then, whichever holds that very sweep;
/// the latter if neither does. Rank-local.
std::filesystem::path find_sweep_of(const model& m, const std::filesystem::path& model_file);

/// What the validation of a model is made from. Rank-local.
origin validation_origin(const configuration& config, const std::filesystem::path& model_file);

/// Compares a model with exact runs at the test points of its sweep and saves the results. The baselines learn from
/// the same sweep file. Returns the results on rank 0. Collective. Throws input_error if the sweep file does not hold
/// what the model was trained on, or has no test points. `tested`: as for train_surrogate().
validation_result validate_surrogate(const rank_context& job, const configuration& config,
                                     const std::filesystem::path& sweep_file, const std::filesystem::path& model_file,
                                     const std::filesystem::path& output, tested_tasks* tested = nullptr);

}  // namespace spikesweep
