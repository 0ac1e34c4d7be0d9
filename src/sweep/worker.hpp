#pragma once

#include <deque>

#include "task_runner.hpp"

namespace spikesweep {

/// Any rank but 0: asks rank 0 for bundles and runs them. Asks for the next bundle before the last task of the one in
/// hand starts, so that it never waits while there is work.
class worker {
 public:
  worker(const boost::mpi::communicator& communicator, const task_runner& runner)
      : communicator_(communicator), runner_(runner) {}

  /// Returns once rank 0 has nothing more, or said stop, and every task run here was written and reported.
  void run();

 private:
  void request();
  /// Takes in every message that is there.
  void receive();
  void take_in(const master_message& message);
  /// Whether the task in hand may go on.
  bool go_on();

  const boost::mpi::communicator& communicator_;
  const task_runner& runner_;
  std::deque<std::int64_t> queue_;
  bool asked_ = false;
  bool exhausted_ = false;  ///< Rank 0 has nothing more.
  bool stopping_ = false;
  bool farewell_ = false;
  steady_clock::time_point give_up_;  ///< When stopping: drop the task in hand then.
};

}  // namespace spikesweep
