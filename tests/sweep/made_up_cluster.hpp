#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <queue>
#include <utility>
#include <vector>

#include <spikesweep/sweep/cost_model.hpp>
#include <spikesweep/sweep/scheduler.hpp>

#include "sweep/unfinished_work.hpp"

namespace spikesweep::testing {

/// Tasks whose length is not what is expected of them.
struct workload {
  std::vector<double> length;  ///< On one lane of a rank of full speed [s].
  /// What a scheduler that learns nothing is told [any unit]. Empty: the cost model expects, and learns while tasks
  /// end.
  std::vector<double> expected;
  /// Of the tasks, for the cost model.
  sweep_description sweep;

  static constexpr double events_per_s = 1e7;  ///< Of a lane of full speed.
};

/// Ranks that are made up. A rank simulates `width` tasks side by side, each on a lane of its own.
struct cluster {
  int ranks = 1;
  int width = 1;
  int ranks_a_node = 16;
  int slow_every = 0;  ///< Every rank with a number that is a multiple of it has half the speed; 0: none.
  /// When a node is lost, as time since the first start [s]. The job ends, and the same command starts it again.
  std::vector<double> losses = {};
  double notice_s = 30;     ///< Until the other nodes notice the loss, and the job ends [s].
  double restart_s = 60;    ///< From then until the ranks of the next job ask for work [s].
  double save_every_s = 5;  ///< As sweep_options::save_every_s [s].

  double speed(int rank) const { return slow_every > 0 && rank % slow_every == 0 ? 0.5 : 1; }
  /// Lanes of full speed that would do the same work in the same time.
  double full_lanes() const {
    double sum = 0;
    for (int rank = 0; rank < ranks; ++rank) {
      sum += width * speed(rank);
    }
    return sum;
  }
};

/// The least time in which the cluster could do the work, if no node was lost [s].
inline double ideal_makespan(const workload& work, const cluster& on) {
  double sum = 0;
  double longest = 0;
  for (const double s : work.length) {
    sum += s;
    longest = std::max(longest, s);
  }
  return std::max(longest, sum / on.full_lanes());
}

/// Wall time of a schedule that knows every length, and where nothing takes time but the tasks: the longest task first,
/// each on the lane where it ends earliest [s].
inline double clairvoyant_makespan(const workload& work, const cluster& on) {
  using lanes = std::priority_queue<double, std::vector<double>, std::greater<>>;  // When each is free again [s].
  lanes full;
  lanes slow;
  for (int rank = 0; rank < on.ranks; ++rank) {
    for (int lane = 0; lane < on.width; ++lane) {
      (on.speed(rank) < 1 ? slow : full).push(0);
    }
  }
  std::vector<double> longest_first = work.length;
  std::sort(longest_first.begin(), longest_first.end(), std::greater<>());
  double makespan = 0;
  for (const double s : longest_first) {
    const bool to_full = slow.empty() || (!full.empty() && full.top() + s <= slow.top() + 2 * s);
    lanes& to = to_full ? full : slow;
    const double end = to.top() + (to_full ? s : 2 * s);
    to.pop();
    to.push(end);
    makespan = std::max(makespan, end);
  }
  return makespan;
}

struct cluster_outcome {
  double makespan = 0;        ///< [s]
  double lost_s = 0;          ///< Work that the lost nodes cost, over all lanes, and the time of the restarts [s].
  double busiest_second = 0;  ///< Most requests that came within a second, the first ones of all ranks left out.
  std::int64_t requests = 0;
  std::int64_t ran = 0;      ///< Tasks that ended.
  std::int64_t resumed = 0;  ///< Tasks that a later job went on with from where they were saved.
  double scheduler_s = 0;    ///< Real core time of the scheduler and the cost model, of all messages together [s].
  double longest_s = 0;      ///< The same of the message that took longest [s].
};

/// Virtual time of ranks as `worker` and `master` have them: a rank asks for the next bundle when it starts the last
/// task of the one before, and gets it once the master, which takes its time over every message, has come to it.
/// Scheduler and cost model are the real ones.
class made_up_cluster {
 public:
  made_up_cluster(const workload& work, const cluster& about)
      : work_(work), about_(about), left_(work.length.size(), 1), ended_(work.length.size(), false) {}

  cluster_outcome run() {
    double start = 0;
    std::vector<double> losses = about_.losses;
    std::sort(losses.begin(), losses.end());
    for (const double loss : losses) {
      if (loss < start) {
        continue;
      }
      begin_job(start);
      if (!run_job(loss)) {
        return finish();
      }
      start = lose_node(loss) + about_.restart_s;
      out_.lost_s += about_.restart_s;
    }
    begin_job(start);
    run_job(std::nullopt);
    return finish();
  }

 private:
  static constexpr double service_s = 50e-6;          ///< Of a request, by the master: the message in, the bundle out.
  static constexpr double report_service_s = 5e-6;    ///< Of a report.
  static constexpr double way_s = 1e-3;               ///< Of a message, the time until it is looked for included.
  static constexpr std::int64_t first_estimate = 16;  ///< As in `master`.

  struct event {
    double time;
    int rank;
    std::int64_t task;  ///< That ends; below 0: a bundle arrives.
    bool operator<(const event& other) const { return time > other.time; }
  };
  struct running_task {
    std::int64_t task;
    double start;
  };
  struct rank_state {
    std::vector<std::int64_t> queue;
    std::vector<running_task> running;
    std::int64_t in_hand = 0;  ///< As the master counts: handed out, and not ended.
    bool asked = false;
    bool exhausted = false;  ///< Was told that there is nothing more.
    bool lost = false;
  };

  rank_state& rank(int r) { return ranks_[static_cast<std::size_t>(r)]; }
  double length(std::int64_t task) const { return work_.length[static_cast<std::size_t>(task)]; }
  double& left(std::int64_t task) { return left_[static_cast<std::size_t>(task)]; }
  int point(std::int64_t task) const { return static_cast<int>(work_.sweep.identity(task).point); }
  /// Wall time of what is left of a task on this rank [s].
  double wall_s(std::int64_t task, int r) { return length(task) * left(task) / about_.speed(r); }

  double cost(std::int64_t task) {
    return work_.expected.empty() ? cost_left(*costs_, work_.sweep, earlier_, task)
                                  : work_.expected[static_cast<std::size_t>(task)] * left(task);
  }

  /// As run_sweep() does it: the cost model learns from the tasks that are done, then all others wait.
  void begin_job(double start) {
    ranks_.assign(static_cast<std::size_t>(about_.ranks), {});
    events_ = {};
    served_ = start;
    over_ = false;
    next_estimate_ = first_estimate;
    const bool learns = work_.expected.empty();
    if (learns) {
      costs_.emplace(work_.sweep);
    }
    std::vector<scheduled_task> waiting;
    for (std::size_t i = 0; i < ended_.size(); ++i) {
      const auto task = static_cast<std::int64_t>(i);
      if (ended_[i] && learns) {
        costs_->learn(point(task), length(task) * workload::events_per_s);
      }
    }
    for (std::size_t i = 0; i < ended_.size(); ++i) {
      if (!ended_[i]) {
        waiting.push_back({static_cast<std::int64_t>(i), cost(static_cast<std::int64_t>(i))});
      }
    }
    tasks_.emplace(std::move(waiting), about_.ranks, about_.width);
    for (int r = 0; r < about_.ranks; ++r) {
      ask(r, start, false);
    }
  }

  /// True if a node is lost before the work is done.
  bool run_job(std::optional<double> loss) {
    const double end = loss ? *loss + about_.notice_s : std::numeric_limits<double>::infinity();
    const int lost_node = lost_nodes_++ * 7 % std::max(1, about_.ranks / about_.ranks_a_node);
    while (!events_.empty() && events_.top().time <= end) {
      const event next = events_.top();
      events_.pop();
      if (loss && next.time > *loss && next.rank / about_.ranks_a_node == lost_node) {
        rank(next.rank).lost = true;
        continue;
      }
      next.task < 0 ? receive(next.rank, next.time) : end_task(next);
    }
    for (int r = 0; r < about_.ranks_a_node && loss; ++r) {
      rank(std::min(lost_node * about_.ranks_a_node + r, about_.ranks - 1)).lost = true;
    }
    return std::find(ended_.begin(), ended_.end(), false) != ended_.end();
  }

  /// Keeps what was saved of the tasks in hand. Returns when the job ends.
  double lose_node(double loss) {
    const double end = loss + about_.notice_s;
    double lost_lanes_s = 0;  // Of lanes of full speed.
    earlier_.tasks.clear();
    for (int r = 0; r < about_.ranks; ++r) {
      const double worked_until = rank(r).lost ? loss : end;
      const double phase = about_.save_every_s * r / about_.ranks;
      const double saved = std::floor((worked_until - phase) / about_.save_every_s) * about_.save_every_s + phase;
      for (const running_task& of : rank(r).running) {
        const double kept_s = std::max(0.0, saved - of.start) * about_.speed(r);
        lost_lanes_s += (end - std::max(saved, of.start)) * about_.speed(r);
        left(of.task) = std::max(0.0, left(of.task) - kept_s / length(of.task));
      }
      const auto idle = static_cast<double>(about_.width) - static_cast<double>(rank(r).running.size());
      lost_lanes_s += rank(r).lost ? idle * (end - loss) * about_.speed(r) : 0;
    }
    for (std::size_t i = 0; i < left_.size(); ++i) {
      if (!ended_[i] && left_[i] < 1) {
        saved_task saved;
        saved.share_done = 1 - left_[i];
        earlier_.tasks.emplace(static_cast<std::int64_t>(i), saved);
      }
    }
    out_.resumed += static_cast<std::int64_t>(earlier_.tasks.size());
    out_.lost_s += lost_lanes_s / about_.full_lanes();
    return end;
  }

  /// Counts the core time of what the master does for one message.
  template <class Call>
  auto measured(Call call) {
    using clock = std::chrono::steady_clock;
    const auto begin = clock::now();
    auto result = call();
    const double s = std::chrono::duration<double>(clock::now() - begin).count();
    out_.scheduler_s += s;
    out_.longest_s = std::max(out_.longest_s, s);
    return result;
  }

  void ask(int r, double time, bool counts = true) {
    rank(r).asked = true;
    ++out_.requests;
    if (counts) {
      requests_.push_back(time);
    }
    served_ = std::max(served_, time + way_s) + service_s;
    events_.push({served_ + way_s, r, -1});
  }

  void receive(int r, double time) {
    rank_state& to = rank(r);
    to.asked = false;
    to.queue =
        measured([&] { return tasks_->take(scheduler::max_bundle, std::numeric_limits<double>::infinity(), r); });
    to.in_hand += static_cast<std::int64_t>(to.queue.size());
    to.exhausted = to.queue.empty();
    std::reverse(to.queue.begin(), to.queue.end());
    if (tasks_->waiting() == 0) {
      over_ = true;  // The master tells everybody.
    }
    start(r, time);
  }

  void start(int r, double time) {
    rank_state& of = rank(r);
    while (static_cast<int>(of.running.size()) < about_.width && !of.queue.empty()) {
      const std::int64_t task = of.queue.back();
      of.queue.pop_back();
      of.running.push_back({task, time});
      events_.push({time + wall_s(task, r), r, task});
    }
    if (of.queue.empty() && !of.asked && !of.exhausted && !over_) {
      ask(r, time);
    }
  }

  void end_task(const event& of) {
    rank_state& on = rank(of.rank);
    const double took_s = wall_s(of.task, of.rank);
    measured([&] {
      tasks_->finished(of.task, took_s, length(of.task) * left(of.task) * workload::events_per_s);
      learn(of.task);
      return true;
    });
    served_ = std::max(served_, of.time + way_s) + report_service_s;
    --on.in_hand;
    ++out_.ran;
    out_.makespan = of.time;
    ended_[static_cast<std::size_t>(of.task)] = true;
    std::erase_if(on.running, [&](const running_task& each) { return each.task == of.task; });
    start(of.rank, of.time);
  }

  /// As master::learn().
  void learn(std::int64_t task) {
    if (!costs_) {
      return;
    }
    costs_->learn(point(task), length(task) * workload::events_per_s);
    if (costs_->learned() >= next_estimate_) {
      next_estimate_ = 2 * costs_->learned();
      tasks_->estimate([this](std::int64_t each) { return cost(each); });
    }
  }

  cluster_outcome finish() {
    std::sort(requests_.begin(), requests_.end());
    for (std::size_t first = 0, last = 0; last < requests_.size(); ++last) {
      while (requests_[first] < requests_[last] - 1) {
        ++first;
      }
      out_.busiest_second = std::max(out_.busiest_second, static_cast<double>(last - first + 1));
    }
    return out_;
  }

  const workload& work_;
  const cluster& about_;
  std::vector<double> left_;  ///< Share of each task that no job has saved.
  std::vector<bool> ended_;
  std::optional<cost_model> costs_;
  std::optional<scheduler> tasks_;
  unfinished_work earlier_;
  std::vector<rank_state> ranks_;
  std::priority_queue<event> events_;
  std::vector<double> requests_;
  double served_ = 0;
  std::int64_t next_estimate_ = first_estimate;
  int lost_nodes_ = 0;
  bool over_ = false;
  cluster_outcome out_;
};

}  // namespace spikesweep::testing
