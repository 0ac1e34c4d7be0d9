#pragma once

#include <string>
#include <vector>

namespace spikesweep {

/// Starts this program again with these arguments on `ranks` ranks of this machine, by the `mpirun` that the shell
/// would find, and returns its exit code.
///
/// Plain mpirun answers a Ctrl-C by killing the ranks a second later. Here SIGINT, SIGTERM and SIGUSR1 reach the ranks
/// as SIGUSR1: the first one asks them to finish in good order, which is said at once, and the second one to end now;
/// the third one ends mpirun. The exit code of an asked-for end is that of the ranks, or exit_code::interrupted if the
/// signal came before they could take it.
///
/// Throws input_error if a launcher has started this process, and environment_error if there is no mpirun. Rank-local;
/// before MPI starts.
int run_under_mpirun(int ranks, const std::vector<std::string>& arguments);

}  // namespace spikesweep
