#pragma once

#include <filesystem>
#include <string>

#include <spikesweep/sweep/sweep.hpp>

#include "command_context.hpp"

namespace spikesweep {

/// How `sweep` and `run` are to treat the sweep.
struct sweep_flags {
  bool retry_failed = false;
  std::string grace = "20s";
};

/// The flags as options of a command.
void add_sweep_flags(CLI::App& command, sweep_flags& flags);

/// run_sweep with progress on standard error. Interrupted sweeps say how to go on. Collective.
sweep_outcome sweep_with_progress(const command_context& context, const std::filesystem::path& file,
                                  const sweep_description& description, const sweep_flags& flags);

/// The exit code that a sweep's outcome stands for.
exit_code exit_code_of(const sweep_outcome& outcome);

}  // namespace spikesweep
