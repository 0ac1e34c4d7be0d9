#pragma once

#include <filesystem>

#include "command_context.hpp"

namespace spikesweep {

/// Throws input_error on every rank if the config asks for numbers that the CPU of a rank lacks. Collective.
void check_precision(const command_context& context, const configuration& config);

/// Trains a surrogate, or an ensemble of them, on a sweep file and saves it, resuming from what stands beside the
/// model. Collective. Throws interrupted_error after a signal, with the checkpoint on disk.
void train_surrogate(const command_context& context, const configuration& config,
                     const std::filesystem::path& sweep_file, const std::filesystem::path& model_file);

}  // namespace spikesweep
