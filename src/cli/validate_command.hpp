#pragma once

#include <filesystem>

#include <spikesweep/surrogate/validation.hpp>

#include "command_context.hpp"

namespace spikesweep {

/// Compares a model with exact runs at the test points of the sweep that it was trained on, and saves the results. The
/// sweep file also serves the baselines. Collective; the results are on rank 0.
validation_result validate_surrogate(const command_context& context, const configuration& config,
                                     const std::filesystem::path& sweep_file, const std::filesystem::path& model_file,
                                     const std::filesystem::path& output);

}  // namespace spikesweep
