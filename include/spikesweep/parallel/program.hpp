#pragma once

#include <string>
#include <vector>

#include <sys/types.h>

namespace spikesweep {

/// How a program of ours treats SIGINT, SIGTERM, SIGUSR1 and SIGHUP, which a terminal or a launcher may send to every
/// process of a job.
enum class program_signals {
  heeded,  ///< As any other program.
  blocked  ///< They do not reach it: who started it decides.
};

/// Starts a program that has nothing of this process but standard error: no other open file, and no variable by which
/// it would take itself for a rank of this job (those of Open MPI, PMI and SLURM). `input` and `output` become its
/// standard input and output. Returns its process. Rank-local. Throws environment_error if the system starts no
/// process.
pid_t start_program(const std::vector<std::string>& command, int input, int output, program_signals signals);

/// Waits for the end of a process that start_program() started. Returns its status, as waitpid() gives it.
int wait_for_program(pid_t process);

/// The same, but ends the program with SIGTERM once this process is interrupted().
int wait_for_program_or_interrupt(pid_t process);

/// This very program, for start_program(): also if its file was replaced or deleted since it started.
inline constexpr const char* this_program = "/proc/self/exe";

}  // namespace spikesweep
