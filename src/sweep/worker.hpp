#pragma once

#include <deque>

#include "messages.hpp"
#include "task_runner.hpp"

namespace spikesweep {

/// Any rank but 0: asks rank 0 for bundles and runs them. Asks for the next bundle when the last task of the one before
/// starts, so that no lane waits for more than a message's way while there is work.
class worker {
 public:
  worker(const communicator& ranks, task_runner& runner) : ranks_(ranks), runner_(runner) {}

  /// Returns once rank 0 has nothing more, or said stop, and every task run here was written and reported.
  void run();

 private:
  std::optional<std::int64_t> next();
  void request();
  void send_to_master(const worker_message& message);
  /// Lets rank 0 say what went wrong with saved tasks.
  void tell_troubles();
  /// Takes in every message that is there.
  void receive();
  void take_in(const master_message& message);
  /// Whether the tasks in hand may go on.
  bool go_on();
  void stop(double grace_s);

  const communicator& ranks_;
  task_runner& runner_;
  std::deque<std::int64_t> queue_;
  bool asked_ = false;
  bool exhausted_ = false;  ///< Rank 0 has nothing more.
  bool stopping_ = false;
  bool farewell_ = false;
  int signals_seen_ = 0;
  steady_clock::time_point looked_{};
  steady_clock::time_point give_up_;  ///< When stopping: drop the tasks in hand then.
};

}  // namespace spikesweep
