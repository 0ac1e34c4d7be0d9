// sweep_driver FILE TASK_MS [throw|crash]: a sweep of made-up tasks of about TASK_MS each, for tests that kill it.
// Writes FILE.pid.RANK for every rank. With `throw`, the first task of point 7 throws, with `crash` it ends its
// process. Ends with the exit code of the command line.
#include <csignal>
#include <fstream>
#include <iostream>
#include <string>
#include <thread>

#include <unistd.h>

#include <boost/mpi/environment.hpp>

#include <spikesweep/base/error.hpp>
#include <spikesweep/sweep/sweep.hpp>

#include "store/sweep_samples.hpp"
#include "sweep/serial_engine.hpp"

namespace {

using namespace spikesweep;

int sweep(const boost::mpi::communicator& world, const std::string& file, int task_ms, const std::string& fault) {
  std::ofstream(file + ".pid." + std::to_string(world.rank())) << ::getpid() << '\n';
  const sweep_description description = testing::small_sweep(60, 2);
  const testing::task_function task = [&](int point, int replicate, const std::function<bool()>& poll) {
    if (fault == "throw" && point == 7) {
      throw environment_error("made to fail");
    }
    if (fault == "crash" && point == 7 && replicate == 0) {
      ::raise(SIGSEGV);
    }
    for (int ms = 0; ms < task_ms; ++ms) {
      poll();
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return testing::made_up_task(description, point, replicate);
  };
  const sweep_outcome outcome = testing::run_made_up_sweep(world, file, description, task, {});
  return static_cast<int>(outcome.interrupted  ? exit_code::interrupted
                          : outcome.failed > 0 ? exit_code::failed_points
                                               : exit_code::done);
}

}  // namespace

int main(int argc, char** argv) {
  boost::mpi::environment environment(argc, argv, false);
  if (argc < 3) {
    std::cerr << "usage: sweep_driver FILE TASK_MS [throw|crash]\n";
    return 2;
  }
  const boost::mpi::communicator world;
  try {
    return sweep(world, argv[1], std::stoi(argv[2]), argc > 3 ? argv[3] : "");
  } catch (const spikesweep_error& error) {
    if (world.rank() == 0) {
      std::cerr << error.what() << '\n';
    }
    return static_cast<int>(error.code);
  }
}
