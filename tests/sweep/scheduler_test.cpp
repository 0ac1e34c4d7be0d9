#include <algorithm>
#include <cmath>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/sweep/scheduler.hpp>

#include "store/sweep_samples.hpp"

namespace spikesweep {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<scheduled_task> equal_tasks(int count) {
  std::vector<scheduled_task> tasks;
  for (int i = 0; i < count; ++i) {
    tasks.push_back({i, 1});
  }
  return tasks;
}

TEST(scheduler, hands_out_every_task_once) {
  scheduler tasks(equal_tasks(1000), 7);
  std::multiset<std::int64_t> seen;
  for (auto bundle = tasks.take(); !bundle.empty(); bundle = tasks.take()) {
    seen.insert(bundle.begin(), bundle.end());
  }
  EXPECT_EQ(seen.size(), 1000U);
  EXPECT_EQ(std::set<std::int64_t>(seen.begin(), seen.end()).size(), 1000U);
  EXPECT_EQ(tasks.waiting(), 0);
}

TEST(scheduler, hands_out_a_quarter_to_a_half_of_a_fair_share_of_what_is_left) {
  constexpr int ranks = 4;
  scheduler tasks(equal_tasks(10000), ranks);
  std::set<std::size_t> sizes;
  for (double left = 10000; left > 0;) {
    const auto size = static_cast<double>(tasks.take().size());
    EXPECT_GE(size, std::max(1.0, std::floor(left / ranks / 4)));
    EXPECT_LE(size, std::max(1.0, left / ranks / 2));
    sizes.insert(static_cast<std::size_t>(size));
    left -= size;
  }
  EXPECT_GT(sizes.size(), 20U) << "equal bundles come back together";
  EXPECT_LE(scheduler(equal_tasks(1000000), 2).take().size(), static_cast<std::size_t>(scheduler::max_bundle));
}

TEST(scheduler, fills_every_lane_of_a_rank_with_its_first_bundle) {
  EXPECT_EQ(scheduler(equal_tasks(64), 4, 16).take().size(), 16U);
  EXPECT_EQ(scheduler(equal_tasks(20), 4, 16).take().size(), 5U) << "a fair share";
}

TEST(scheduler, starts_with_the_longest_tasks) {
  scheduler tasks({{0, 1}, {1, 5}, {2, 3}, {3, 5}}, 100);
  EXPECT_THAT(tasks.take(), ElementsAre(1));
  EXPECT_THAT(tasks.take(), ElementsAre(3));
  EXPECT_THAT(tasks.take(), ElementsAre(2));
  EXPECT_THAT(tasks.take(), ElementsAre(0));
}

TEST(scheduler, gives_rank_0_one_task_at_a_time) {
  scheduler tasks(equal_tasks(100), 1);
  EXPECT_THAT(tasks.take(1), ElementsAre(0));
}

TEST(scheduler, hands_out_nothing_after_stop) {
  scheduler tasks(equal_tasks(10), 2);
  tasks.take(1);
  tasks.stop();
  EXPECT_THAT(tasks.take(), IsEmpty());
  EXPECT_EQ(tasks.waiting(), 9);
}

TEST(scheduler, starts_no_task_that_would_not_end_in_time) {
  scheduler tasks({{0, 10}, {1, 10}, {2, 1}}, 50);
  EXPECT_THAT(tasks.take(1, 100), ElementsAre(0));
  tasks.finished(0, 20);
  EXPECT_DOUBLE_EQ(tasks.expected_s(10), 20);
  EXPECT_THAT(tasks.take(1, 25), ElementsAre(2)) << "20 s with a margin do not fit into 25 s, 2 s do";
  EXPECT_THAT(tasks.take(1, 25), IsEmpty());
  EXPECT_THAT(tasks.take(1, 40), ElementsAre(1));
}

TEST(scheduler, counts_on_tasks_that_run_side_by_side) {
  scheduler tasks(equal_tasks(34), 1, 16);
  tasks.take(1);
  tasks.finished(0, 10);
  EXPECT_EQ(tasks.take(scheduler::max_bundle, 20).size(), 6U) << "the seventh ends after 1.5 times 10 (1 + 6/16) s";
}

TEST(scheduler, refuses_a_task_it_did_not_hand_out) {
  scheduler tasks(equal_tasks(2), 1);
  EXPECT_THROW(tasks.finished(1, 1), internal_error);
  EXPECT_THROW(scheduler({}, 0), internal_error);
}

TEST(scheduler, takes_new_costs_for_what_waits) {
  scheduler tasks({{0, 1}, {1, 2}, {2, 3}}, 50);
  EXPECT_THAT(tasks.take(1), ElementsAre(2));
  tasks.estimate([](std::int64_t task) { return task == 0 ? 7.0 : 2.0; });
  EXPECT_THAT(tasks.take(1), ElementsAre(0));
  tasks.finished(2, 30);
  EXPECT_DOUBLE_EQ(tasks.expected_s(2), 20);
  EXPECT_DOUBLE_EQ(tasks.left_s(), (20 + 70 / 2.0) / 50) << "task 1 and half of task 0, on 50 ranks";
}

TEST(scheduler, makes_bundles_large_where_many_ranks_would_ask_too_often) {
  scheduler tasks(equal_tasks(100000), 10000, 16);
  EXPECT_EQ(tasks.take().size(), 10U) << "a fair share, before a task is known to be short";
  tasks.finished(0, 1);
  // 10,000 ranks of 16 tasks of 1 s end 160,000 tasks a second: bundles of 160 or more make 1000 requests or fewer.
  for (int i = 0; i < 50; ++i) {
    const auto size = tasks.take().size();
    EXPECT_GE(size, 160U);
    EXPECT_LE(size, 240U);
  }
}

TEST(scheduler, is_fast_with_many_tasks_that_do_not_fit_the_time_left) {
  scheduler tasks(equal_tasks(1000000), 4);
  tasks.take(1);
  tasks.finished(0, 10);
  for (int i = 0; i < 100000; ++i) {
    ASSERT_THAT(tasks.take(1, 12), IsEmpty());
  }
}

}  // namespace
}  // namespace spikesweep
