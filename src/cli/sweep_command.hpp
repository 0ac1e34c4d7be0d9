#pragma once

#include <filesystem>
#include <vector>

#include <spikesweep/sweep/sweep.hpp>

#include "command_context.hpp"

namespace spikesweep {

/// What to do about an earlier sweep, from the command line.
struct earlier_sweep_arguments {
  bool retry_failed = false;
  bool extend = false;
  bool fresh = false;
};

/// `--retry-failed`, `--extend` and `--fresh`, which excludes the others.
void add_earlier_sweep_flags(CLI::App& command, earlier_sweep_arguments& arguments);

/// run_sweep with progress on standard error. Interrupted sweeps say how to go on. `made_from_it`: results to remove
/// when `--fresh` has replaced the file. A requeued SLURM job resumes in spite of `--fresh`. Collective.
sweep_outcome sweep_with_progress(const command_context& context, const std::filesystem::path& file,
                                  const sweep_description& description, const earlier_sweep_arguments& arguments,
                                  const std::vector<std::filesystem::path>& made_from_it = {});

/// The exit code that a sweep's outcome stands for.
exit_code exit_code_of(const sweep_outcome& outcome);

}  // namespace spikesweep
