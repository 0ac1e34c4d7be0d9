#pragma once

#include <string>

#include "task_runner.hpp"

namespace spikesweep {

/// Rank 0: hands out tasks, runs some itself, and serves the workers meanwhile. Suspects, which were in flight when the
/// job crashed again and again, it runs itself, first and one at a time: so a crash does not fall on another task.
class master {
 public:
  /// `counts`: what earlier runs left; total, done, failed, resumed and damaged have to be set.
  master(const boost::mpi::communicator& communicator, task_runner& runner, scheduler& tasks,
         const sweep_options& options, const sweep_outcome& counts)
      : communicator_(communicator), runner_(runner), tasks_(tasks), options_(options), outcome_(counts) {}

  /// Returns once every worker has said goodbye.
  sweep_outcome run();

 private:
  std::optional<std::int64_t> next();
  /// Answers every message that is there, looks for signals, reports progress.
  void serve();
  void answer(int worker, const worker_message& message);
  void send_bundle(int worker);
  void count(const task_report& report);
  /// Stops handing out, if a signal came or the job's end is too near.
  void watch_signals();
  void stop(double grace_s);
  void watch_end();
  bool go_on();
  double seconds_left() const;
  void show_progress();

  const boost::mpi::communicator& communicator_;
  task_runner& runner_;
  scheduler& tasks_;
  const sweep_options& options_;
  sweep_outcome outcome_;
  std::int64_t dropped_ = 0;  ///< Tasks handed out but not run, or given up.
  std::int64_t running_ = 0;  ///< Tasks handed out and not reported.
  bool suspect_in_hand_ = false;
  int goodbyes_ = 0;
  int signals_seen_ = 0;
  bool stopping_ = false;
  steady_clock::time_point start_ = steady_clock::now();
  steady_clock::time_point shown_ = start_;
  steady_clock::time_point give_up_;
};

}  // namespace spikesweep
