#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

namespace spikesweep {

/// Looks a variable up; nothing if it is not set.
using environment_lookup = std::function<std::optional<std::string>(const std::string& name)>;

/// The environment of this process.
std::optional<std::string> process_environment(const std::string& name);

/// Whether a launcher (mpirun, srun, or another that offers PMI) started this process: then it may be one of several.
bool launched(const environment_lookup& lookup = process_environment);

/// Throws environment_error if a launcher (mpirun, or srun inside a step) says that it started several ranks but MPI
/// says 1: `srun` without PMIx starts silent singletons, each of which would do the whole job. Rank-local.
void check_launch(int mpi_ranks, const environment_lookup& lookup = process_environment);

/// The same before MPI starts: throws environment_error if srun started several processes and gave them nothing to find
/// each other by, where Open MPI would end each with a page of its own. Rank-local.
void check_wiring(const environment_lookup& lookup = process_environment);

/// When the batch system will end this job (SLURM_JOB_END_TIME), if it says so.
std::optional<std::chrono::system_clock::time_point> job_end(const environment_lookup& lookup = process_environment);

}  // namespace spikesweep
