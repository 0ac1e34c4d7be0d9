#pragma once

#include <array>
#include <string>
#include <vector>

#include <spikesweep/sweep/cost_model.hpp>

#include "task_runner.hpp"

namespace spikesweep {

/// Tasks that may have crashed the job.
struct suspect_tasks {
  std::vector<std::int64_t> tasks;
  double s_per_event = 0;  ///< What network events are expected to take in a process of its own [s].
};

/// Rank 0: hands out tasks, runs some itself, and serves the workers meanwhile. Suspects, which were in hand when the
/// job crashed again and again, it runs first, in a process of their own: so a crash takes neither the job nor another
/// task with it.
class master {
 public:
  /// `counts`: what earlier runs left; total, done, failed, resumed and damaged have to be set.
  master(const communicator& ranks, task_runner& runner, const sweep_description& description, scheduler& tasks,
         cost_model& costs, const unfinished_work& earlier, suspect_tasks suspects, const sweep_options& options,
         const sweep_outcome& counts)
      : ranks_(ranks),
        out_(ranks),
        runner_(runner),
        description_(description),
        tasks_(tasks),
        costs_(costs),
        earlier_(earlier),
        suspects_(std::move(suspects)),
        options_(options),
        outcome_(counts),
        in_hand_(static_cast<std::size_t>(ranks.size())) {}

  /// Returns once every worker has said goodbye.
  sweep_outcome run();

 private:
  void run_suspects();
  /// The longest time that tasks in hand together may take in a process of their own [s].
  double longest_s(const std::vector<std::int64_t>& in_hand) const;
  /// Says why a task is set aside, also in the file.
  void set_aside(std::int64_t task, const std::string& how);
  std::optional<std::int64_t> next();
  /// Answers every message that is there, looks for signals, reports progress.
  void serve();
  void answer(int worker, const worker_message& message);
  /// Says something about saved tasks unless the like of it was said: a full disk is full for all ranks.
  void tell(save_trouble::kind_type kind, const std::string& words);
  void send_bundle(int worker);
  /// Tells the workers, once, that nothing waits any more: so not each of them has to ask.
  void tell_end();
  /// A task of this rank was reported.
  void count(int rank, const task_report& report);
  void add_up(const task_report& report);
  /// Lets what was learned from finished tasks decide the order of the others, now and then.
  void learn(const task_report& report);
  /// Stops handing out, if a signal came or the job's end is too near.
  void watch_signals();
  void stop(double grace_s);
  void watch_end();
  void serve_if_due();
  bool go_on();
  double seconds_left() const;
  void show_progress();

  const communicator& ranks_;
  outbox out_;  ///< A worker that is slow to listen keeps nobody waiting.
  task_runner& runner_;
  const sweep_description& description_;
  scheduler& tasks_;
  cost_model& costs_;
  const unfinished_work& earlier_;
  suspect_tasks suspects_;
  const sweep_options& options_;
  sweep_outcome outcome_;
  std::vector<std::int64_t> in_hand_;  ///< Tasks of each rank, handed out and not reported.
  std::int64_t running_ = 0;           ///< The sum of these.
  int busy_ = 0;                       ///< Ranks with tasks in hand.
  std::int64_t dropped_ = 0;           ///< Tasks handed out but not run, or given up.
  std::int64_t next_estimate_ = 16;    ///< Costs are estimated anew after so many tasks.
  int goodbyes_ = 0;
  int signals_seen_ = 0;
  bool stopping_ = false;
  bool broken_ = false;  ///< Ranks are lost.
  bool told_end_ = false;
  std::array<bool, save_trouble::kinds> told_{};  ///< Troubles of each kind.
  steady_clock::time_point start_ = steady_clock::now();
  steady_clock::time_point shown_ = start_;
  steady_clock::time_point looked_ = start_;
  steady_clock::time_point give_up_;
};

}  // namespace spikesweep
