// sweep_driver FILE TASK_MS [throw|crash|large|extend]: a sweep of made-up tasks of about TASK_MS each, for tests that
// kill it. Writes FILE.pid.RANK for every rank. With `throw`, the task of point 7 throws, with `crash` the first of
// them ends its process. With `large`, tasks have many rows, so that to copy them takes a while; with `extend`, that
// sweep has grown. Ends with the exit code of the command line.
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
#include "sweep/made_up_tasks.hpp"

namespace {

using namespace spikesweep;

sweep_description describe(const std::string& word) {
  constexpr std::int64_t many = 1000;
  return word == "large"    ? testing::small_sweep(60, 2, many)
         : word == "extend" ? testing::small_sweep(64, 3, many)
                            : testing::small_sweep(60, 2);
}

int sweep(const boost::mpi::communicator& world, const std::string& file, int task_ms, const std::string& word) {
  std::ofstream(file + ".pid." + std::to_string(world.rank())) << ::getpid() << '\n';
  const sweep_description description = describe(word);
  const testing::task_function task = [&](int point, int replicate, const std::function<bool()>& poll) {
    if (word == "throw" && point == 7) {
      throw environment_error("made to fail");
    }
    if (word == "crash" && point == 7 && replicate == 0) {
      std::signal(SIGSEGV, SIG_DFL);  // Sanitizers handle it otherwise.
      ::raise(SIGSEGV);
    }
    for (int ms = 0; ms < task_ms; ++ms) {
      poll();
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return testing::made_up_task(description, point, replicate);
  };
  sweep_options options;
  options.quarantine_program = {SPIKESWEEP_QUARANTINE_PROGRAM};
  if (word == "crash") {
    options.quarantine_program.insert(options.quarantine_program.end(), {"crash", "7", "0"});
  }
  options.existing = word == "extend" ? existing_file::extend : existing_file::resume;
  const sweep_outcome outcome = testing::run_made_up_sweep(world, file, description, task, options);
  return static_cast<int>(outcome.interrupted  ? exit_code::interrupted
                          : outcome.failed > 0 ? exit_code::failed_points
                                               : exit_code::done);
}

}  // namespace

int main(int argc, char** argv) {
  boost::mpi::environment environment(argc, argv, false);
  if (argc < 3) {
    std::cerr << "usage: sweep_driver FILE TASK_MS [throw|crash|large|extend]\n";
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
