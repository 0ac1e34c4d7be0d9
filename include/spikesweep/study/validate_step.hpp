#pragma once

#include <filesystem>

#include <spikesweep/parallel/rank_context.hpp>
#include <spikesweep/study/config.hpp>
#include <spikesweep/surrogate/validation.hpp>

namespace spikesweep {

/// Compares a model with exact runs at the test points of its sweep and saves the results. The baselines learn from
/// the same sweep file. Returns the results on rank 0. Collective. Throws input_error if the sweep file has other axes
/// than the model, or no test points.
validation_result validate_surrogate(const rank_context& job, const configuration& config,
                                     const std::filesystem::path& sweep_file, const std::filesystem::path& model_file,
                                     const std::filesystem::path& output);

}  // namespace spikesweep
