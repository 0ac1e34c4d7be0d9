#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <thread>
#include <vector>

#include <boost/mpi/collectives.hpp>

#include <spikesweep/sweep/sweep.hpp>

#include "store/compare_files.hpp"
#include "store/sweep_samples.hpp"
#include "sweep/made_up_tasks.hpp"
#include "sweep/shared_directory.hpp"

namespace spikesweep::testing {

/// A sweep of made-up tasks in a directory that all ranks share.
class made_up_sweep : public shared_directory {
 protected:
  /// What one rank alone writes.
  std::vector<char> expected_bytes(const sweep_description& d, const task_function& task) const {
    const boost::mpi::communicator self(MPI_COMM_SELF, boost::mpi::comm_duplicate);
    run_made_up_sweep(self, directory / "expected.h5", d, task, {});
    return lasting_bytes(directory / "expected.h5");
  }

  sweep_description description = small_sweep(10, 3);
  std::atomic<int> calls{0};
  task_function samples = [this](int point, int replicate, const std::function<bool()>& poll) {
    ++calls;
    for (int i = 0; i < 20; ++i) {
      poll();
      std::this_thread::sleep_for(std::chrono::microseconds(100));
    }
    return made_up_task(description, point, replicate);
  };
  /// Point 4 runs away, the others are done.
  task_function with_runaway = [this](int point, int replicate, const std::function<bool()>& poll) {
    if (point == 4) {
      task_result failed;
      failed.state = task_state::runaway;
      return failed;
    }
    return samples(point, replicate, poll);
  };
  int calls_of_all() const { return boost::mpi::all_reduce(world, calls.load(), std::plus<int>()); }
};

}  // namespace spikesweep::testing
