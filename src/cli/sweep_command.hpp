#pragma once

#include <filesystem>

#include <spikesweep/sweep/sweep.hpp>

#include "command_context.hpp"

namespace spikesweep {

/// run_sweep with progress on standard error. Interrupted sweeps say how to go on. Collective.
sweep_outcome sweep_with_progress(const command_context& context, const std::filesystem::path& file,
                                  const sweep_description& description, bool retry_failed);

/// The exit code that a sweep's outcome stands for.
exit_code exit_code_of(const sweep_outcome& outcome);

}  // namespace spikesweep
