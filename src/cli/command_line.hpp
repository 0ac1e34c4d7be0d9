#pragma once

namespace spikesweep {

/// Parses the arguments, runs the command and returns the exit code, the same on every rank. Collective. Prints every
/// error as one line on standard error; throws nothing. MPI is started, and ended, in here: at once where a launcher
/// started this process, since ranks that never join upset it, and otherwise only for a command that needs MPI.
int run_command_line(int argc, char** argv);

}  // namespace spikesweep
