#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include <spikesweep/learning/model.hpp>
#include <spikesweep/parallel/rank_context.hpp>
#include <spikesweep/study/config.hpp>
#include <spikesweep/study/sweep_step.hpp>

namespace spikesweep {

/// What run_study calls while it works. A hook may be empty.
struct study_hooks {
  std::function<void(const model&)> trained;  ///< After each training; on rank 0.
};

/// Runs the steps of a study in its directory: sweep, train, as many rounds of refining as the config asks for,
/// validate, report. A step whose result is up to date does not run again, so the same call resumes. Takes a lock of
/// the directory. `command` goes into run.json. Returns the outcome of the last sweep. If that sweep was interrupted,
/// no step ran after it. Collective. Throws input_error, before any step, if the config has no test points, asks for a
/// number format that the CPU of a rank lacks, or if its training would be refused (check_training()). Throws
/// interrupted_error if a signal ends a later step.
sweep_outcome run_study(const rank_context& job, const configuration& config, const std::filesystem::path& directory,
                        const sweep_flags& flags, const std::string& command, const study_hooks& hooks);

}  // namespace spikesweep
