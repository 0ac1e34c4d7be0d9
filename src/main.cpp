#include <boost/mpi/communicator.hpp>
#include <boost/mpi/environment.hpp>

#include "cli/command_line.hpp"

int main(int argc, char** argv) {
  const boost::mpi::environment environment(argc, argv, boost::mpi::threading::single, false);
  return spikesweep::run_command_line(argc, argv, boost::mpi::communicator());
}
