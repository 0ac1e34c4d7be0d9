#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <spikesweep/base/error.hpp>
#include <spikesweep/parallel/rank_context.hpp>
#include <spikesweep/sweep/sweep.hpp>

namespace spikesweep {

/// How a sweep treats a file that exists, and how long it may go on after a signal.
struct sweep_flags {
  bool retry_failed = false;
  bool extend = false;
  bool fresh = false;
  std::string grace = "0s";  ///< Time to finish running tasks after a signal, with its unit.
};

/// The command of spikesweep that runs tasks in a process of their own; not for users.
inline constexpr const char* quarantine_command = "run-tasks";

/// Calls run_sweep and draws progress on standard error. `made_from_it`: results to remove when `fresh` has replaced
/// the file. `tested`: see sweep_options. Collective.
sweep_outcome sweep_with_progress(const rank_context& job, const std::filesystem::path& file,
                                  const sweep_description& description, const sweep_flags& flags,
                                  const std::vector<std::filesystem::path>& made_from_it = {},
                                  tested_tasks* tested = nullptr);

/// The flags without `fresh` if SLURM requeued this job: such a job resumes.
sweep_flags resolved(const rank_context& job, sweep_flags flags);

/// The exit code for the outcome of a sweep.
exit_code exit_code_of(const sweep_outcome& outcome);

}  // namespace spikesweep
