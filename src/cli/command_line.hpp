#pragma once

#include <boost/mpi/communicator.hpp>

namespace spikesweep {

/// Parses the arguments, runs the command and returns the exit code, the same on every rank. Collective. Prints every
/// error as one line on standard error; throws nothing.
int run_command_line(int argc, char** argv, const boost::mpi::communicator& world);

}  // namespace spikesweep
