#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <spikesweep/base/error.hpp>
#include <spikesweep/parallel/rank_context.hpp>
#include <spikesweep/sweep/sweep.hpp>

namespace spikesweep {

/// How `sweep` and `run` are to treat the sweep, from the command line.
struct sweep_flags {
  bool retry_failed = false;
  bool extend = false;
  bool fresh = false;
  std::string grace = "20s";
};

/// run_sweep with progress on standard error. Interrupted sweeps say how to go on. `made_from_it`: results to remove
/// when `--fresh` has replaced the file. Collective.
sweep_outcome sweep_with_progress(const rank_context& job, const std::filesystem::path& file,
                                  const sweep_description& description, const sweep_flags& flags,
                                  const std::vector<std::filesystem::path>& made_from_it = {});

/// The flags as they count: a requeued SLURM job resumes in spite of `--fresh`.
sweep_flags resolved(sweep_flags flags);

/// The exit code that a sweep's outcome stands for.
exit_code exit_code_of(const sweep_outcome& outcome);

}  // namespace spikesweep
