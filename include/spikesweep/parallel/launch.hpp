#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

namespace spikesweep {

/// Looks a variable up; nothing if it is not set.
using environment_lookup = std::function<std::optional<std::string>(const std::string& name)>;

/// The name of this machine.
std::string host_name();

/// The environment of this process.
std::optional<std::string> process_environment(const std::string& name);

/// Whether a launcher (mpirun, srun, or another that offers PMI) started this process: then it may be one of several.
bool launched(const environment_lookup& lookup = process_environment);

/// Whether this process is started by hand in a shell that `srun --pty` started: the shell is the process of srun, and
/// this one is alone, whatever the variables of srun say.
bool in_shell_of_srun(const environment_lookup& lookup = process_environment);

/// Removes what would make MPI look for the other processes of such a shell's srun. Before MPI starts.
void forget_shell_of_srun();

/// Removes what Open MPI told an earlier job, if that job is over: a shell that was born in it passes that on, and MPI
/// would look for the job, in vain. Returns the folder of the job, which no longer exists; nothing if there is nothing
/// to remove. To be called before anything else here.
std::optional<std::string> forget_job_that_ended();

/// The place of this process among those that a launcher started with it, by what the launcher says: needs no MPI.
struct launch_place {
  int rank = 0;
  int ranks = 1;
};
launch_place find_launch_place(const environment_lookup& lookup = process_environment);

/// Throws environment_error if a launcher (mpirun, or srun inside a step) says that it started several ranks but MPI
/// says 1: `srun` without PMIx starts silent singletons, each of which would do the whole job. Rank-local.
void check_launch(int mpi_ranks, const environment_lookup& lookup = process_environment);

/// The same before MPI starts: throws environment_error if srun started several processes and gave them nothing to find
/// each other by, where Open MPI would end each with a page of its own. Rank-local.
void check_wiring(const environment_lookup& lookup = process_environment);

/// The number of the batch job that this process is in. The other variables of SLURM count within a job only: a shell
/// may have them from a job that ended.
std::optional<std::string> batch_job(const environment_lookup& lookup = process_environment);

/// When the batch system will end this job (SLURM_JOB_END_TIME), if it says so. Warns if what it says makes no sense.
std::optional<std::chrono::system_clock::time_point> job_end(
    const environment_lookup& lookup = process_environment,
    std::chrono::system_clock::time_point now = std::chrono::system_clock::now());

/// How often the batch system has put this job back into its queue (SLURM_RESTART_COUNT).
int restarts_of_job(const environment_lookup& lookup = process_environment);

/// The threads that OMP_NUM_THREADS asks for; nothing if it is not set, or, with a warning, no number of threads.
std::optional<int> threads_wanted(const environment_lookup& lookup = process_environment);

}  // namespace spikesweep
