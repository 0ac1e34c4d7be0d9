#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <spikesweep/sweep/pace.hpp>

namespace spikesweep {
namespace {

constexpr double start = 1764078000;  // 2025-11-25T13:40:00Z [s since 1970].

std::string begin_line(const std::string& time, int ranks) {
  return time + " spikesweep 0.1.0 starts on " + std::to_string(ranks) + " ranks: 20 of 20 tasks to do, 0 damaged";
}

/// Ten tasks that ended a second after each other in a run from `start` on, each 2 s of a core, and `left` more.
std::vector<paced_task> half_done(int left, double cost_left = 1) {
  std::vector<paced_task> tasks;
  for (int i = 1; i <= 10; ++i) {
    tasks.push_back({1, false, 2, start + i});
  }
  tasks.insert(tasks.end(), static_cast<std::size_t>(left), paced_task{cost_left, true});
  return tasks;
}

TEST(pace, finds_the_last_run_in_the_log) {
  EXPECT_FALSE(last_run({}).has_value());
  std::vector<std::string> log{begin_line("2025-11-24T00:00:00Z", 64), "2025-11-24T01:00:00Z interrupted: 4 done",
                               begin_line("2025-11-25T13:40:00Z", 2)};
  const auto run = last_run(log);
  ASSERT_TRUE(run.has_value());
  EXPECT_EQ(run->started_at, start);
  EXPECT_EQ(run->ranks, 2);
  EXPECT_FALSE(run->ended);
  log.push_back("2025-11-25T13:50:00Z finished: 20 done, 0 failed of 20");
  ASSERT_TRUE(last_run(log).has_value());
  EXPECT_EQ(last_run(log)->ranks, 2);
  EXPECT_TRUE(last_run(log)->ended);
  EXPECT_FALSE(last_run(log)->asked);
}

TEST(pace, a_run_has_not_ended_because_it_said_something) {
  std::vector<std::string> log{begin_line("2025-11-25T13:40:00Z", 2)};
  log.push_back("2025-11-25T13:40:05Z task 3 (point 1, replicate 1) is set aside: its process ended by signal 11");
  EXPECT_FALSE(last_run(log)->ended);
  EXPECT_FALSE(last_run(log)->asked);
  log.push_back("2025-11-25T13:41:00Z asked to end");
  EXPECT_FALSE(last_run(log)->ended);
  EXPECT_TRUE(last_run(log)->asked);
  log.push_back("2025-11-25T13:41:01Z ended without ranks that are lost");
  EXPECT_TRUE(last_run(log)->ended);
  EXPECT_TRUE(last_run(log)->asked);
}

TEST(pace, knows_nothing_before_a_task_ends) {
  const std::vector<paced_task> tasks(5);
  const sweep_pace pace = pace_of(tasks, sweep_run{start, 2}, 1, start + 3);
  EXPECT_TRUE(std::isnan(pace.tasks_per_s));
  EXPECT_TRUE(std::isnan(pace.left_core_s));
  EXPECT_TRUE(std::isnan(pace.left_s));
}

TEST(pace, of_a_run_gives_rate_and_time_left) {
  const sweep_pace pace = pace_of(half_done(10), sweep_run{start, 2}, 1, start + 10.5);
  EXPECT_DOUBLE_EQ(pace.tasks_per_s, 1);
  EXPECT_DOUBLE_EQ(pace.left_core_s, 20);
  // 20 tasks of 2 s on 2 ranks, of which 10.5 s are over; half a task for empty lanes.
  EXPECT_NEAR(pace.left_s, 20 - 10.5 + 1, 1e-6);
}

TEST(pace, counts_on_costly_tasks_to_take_longer) {
  EXPECT_DOUBLE_EQ(pace_of(half_done(10, 3), sweep_run{start, 2}, 1, start + 10).left_core_s, 60);
}

TEST(pace, of_a_new_run_rests_on_earlier_ones) {
  const sweep_pace pace = pace_of(half_done(10), sweep_run{start + 1000, 4}, 1, start + 1001);
  EXPECT_TRUE(std::isnan(pace.tasks_per_s));
  EXPECT_NEAR(pace.left_s, 5 - 1 + 1, 1e-6);
}

TEST(pace, leaves_tasks_out_that_were_set_aside) {
  std::vector<paced_task> tasks = half_done(10);
  tasks.insert(tasks.end(), 50, paced_task{1, false, 0, 0});
  EXPECT_DOUBLE_EQ(pace_of(tasks, sweep_run{start, 2}, 1, start + 10).left_core_s, 20);
}

TEST(pace, never_leaves_less_than_nothing) {
  const sweep_pace pace = pace_of(half_done(10), sweep_run{start, 2}, 1, start + 1e6);
  EXPECT_EQ(pace.left_s, 0);
  EXPECT_EQ(pace_of(half_done(0), sweep_run{start, 2}, 1, start + 10).left_core_s, 0);
}

}  // namespace
}  // namespace spikesweep
