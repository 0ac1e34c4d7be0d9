// The scheduler on a machine that is made up, where time is only counted: no MPI, no tasks.
#include <algorithm>
#include <cmath>
#include <queue>

#include <gtest/gtest.h>

#include <spikesweep/base/random.hpp>
#include <spikesweep/sweep/scheduler.hpp>

namespace spikesweep {
namespace {

/// Tasks whose length is not what is expected of them.
struct workload {
  std::vector<double> length;    ///< [s]
  std::vector<double> expected;  ///< [any unit]
};

/// Lengths from 1 to 100 s, evenly in the logarithm; expectations that are wrong by a factor of exp(+-error).
workload make_workload(std::size_t tasks, double error) {
  random_stream random(3, purpose::test, 0, 0);
  workload out;
  for (std::size_t i = 0; i < tasks; ++i) {
    out.length.push_back(std::pow(100, random.uniform()));
    out.expected.push_back(out.length.back() * std::exp(error * (2 * random.uniform() - 1)));
  }
  return out;
}

struct outcome {
  double makespan = 0;        ///< [s]
  double busiest_second = 0;  ///< Most requests that came within a second, the first ones of all ranks left out.
  std::int64_t ran = 0;       ///< Tasks.
};

/// Ranks as `worker` and `master` have them: each simulates `width` tasks side by side, asks for the next bundle when
/// it starts the last task of the one before, and gets it once the master, which takes its time over every request,
/// has come to it.
class made_up_machine {
 public:
  made_up_machine(const workload& work, int ranks, int width)
      : work_(work), tasks_(make_tasks(work), ranks, width), width_(width), ranks_(static_cast<std::size_t>(ranks)) {}

  outcome run() {
    for (int r = 0; r < static_cast<int>(ranks_.size()); ++r) {
      rank(r).idle = width_;
      ask(r, 0);
    }
    while (!events_.empty()) {
      const event next = events_.top();
      events_.pop();
      next.task < 0 ? receive(next.rank, next.time) : end(next);
    }
    count_requests();
    return out_;
  }

 private:
  static constexpr double service_s = 50e-6;  ///< Of a request, by the master.
  static constexpr double way_s = 1e-3;       ///< Of a message, the time until it is looked for included.

  struct event {
    double time;
    int rank;
    std::int64_t task;  ///< That ends; below 0: a bundle arrives.
    bool operator<(const event& other) const { return time > other.time; }
  };
  struct rank_state {
    std::vector<std::int64_t> queue;
    int idle = 0;
    bool asked = false;
  };

  static std::vector<scheduled_task> make_tasks(const workload& work) {
    std::vector<scheduled_task> tasks;
    for (std::size_t i = 0; i < work.expected.size(); ++i) {
      tasks.push_back({static_cast<std::int64_t>(i), work.expected[i]});
    }
    return tasks;
  }

  rank_state& rank(int r) { return ranks_[static_cast<std::size_t>(r)]; }

  void ask(int r, double time) {
    rank(r).asked = true;
    if (time > 0) {
      requests_.push_back(time);
    }
    served_ = std::max(served_, time + way_s) + service_s;
    events_.push({served_ + way_s, r, -1});
  }

  void receive(int r, double time) {
    rank_state& to = rank(r);
    to.asked = false;
    to.queue = tasks_.take();
    std::reverse(to.queue.begin(), to.queue.end());
    if (tasks_.waiting() == 0) {
      over_ = true;  // The master tells everybody.
    }
    start(r, time);
  }

  void start(int r, double time) {
    rank_state& of = rank(r);
    while (of.idle > 0 && !of.queue.empty()) {
      const std::int64_t task = of.queue.back();
      of.queue.pop_back();
      --of.idle;
      events_.push({time + work_.length[static_cast<std::size_t>(task)], r, task});
    }
    if (of.queue.empty() && !of.asked && !over_) {
      ask(r, time);
    }
  }

  void end(const event& ended) {
    tasks_.finished(ended.task, work_.length[static_cast<std::size_t>(ended.task)]);
    ++out_.ran;
    out_.makespan = ended.time;
    ++rank(ended.rank).idle;
    start(ended.rank, ended.time);
  }

  void count_requests() {
    std::sort(requests_.begin(), requests_.end());
    for (std::size_t first = 0, last = 0; last < requests_.size(); ++last) {
      while (requests_[first] < requests_[last] - 1) {
        ++first;
      }
      out_.busiest_second = std::max(out_.busiest_second, static_cast<double>(last - first + 1));
    }
  }

  const workload& work_;
  scheduler tasks_;
  int width_;
  std::vector<rank_state> ranks_;
  std::priority_queue<event> events_;
  std::vector<double> requests_;
  double served_ = 0;
  bool over_ = false;
  outcome out_;
};

double ideal_makespan(const workload& work, int lanes) {
  double sum = 0;
  double longest = 0;
  for (const double s : work.length) {
    sum += s;
    longest = std::max(longest, s);
  }
  return std::max(longest, sum / lanes);
}

void expect_good_schedule(int ranks, int width, std::size_t tasks_a_lane, double error) {
  const auto lanes = static_cast<std::size_t>(ranks) * static_cast<std::size_t>(width);
  const workload work = make_workload(lanes * tasks_a_lane, error);
  const outcome got = made_up_machine(work, ranks, width).run();
  EXPECT_EQ(got.ran, static_cast<std::int64_t>(work.length.size()));
  const double share = ideal_makespan(work, static_cast<int>(lanes)) / got.makespan;
  ::testing::Test::RecordProperty("share_of_ideal", std::to_string(share));
  ::testing::Test::RecordProperty("busiest_second", std::to_string(got.busiest_second));
  EXPECT_GE(share, 0.97);
  EXPECT_LE(got.busiest_second, scheduler::max_requests_per_s);
}

TEST(makespan, is_97_percent_of_the_ideal_on_10000_ranks) {
  expect_good_schedule(10000, 16, 24, 0.2);
}

TEST(makespan, is_97_percent_of_the_ideal_on_10000_ranks_of_one_task_at_a_time) {
  expect_good_schedule(10000, 1, 40, 0.2);
}

TEST(makespan, is_97_percent_of_the_ideal_on_few_ranks) {
  expect_good_schedule(2, 16, 16, 0.2);
  expect_good_schedule(64, 16, 16, 0.2);
}

TEST(makespan, is_97_percent_of_the_ideal_where_nothing_is_known_of_the_lengths) {
  expect_good_schedule(100, 16, 100, 2.3);  // As far apart as the lengths themselves.
}

}  // namespace
}  // namespace spikesweep
