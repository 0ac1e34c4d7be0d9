#include <algorithm>
#include <cmath>
#include <limits>
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

constexpr double unlimited = std::numeric_limits<double>::infinity();

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

TEST(scheduler, hands_out_an_eighth_to_a_quarter_of_a_fair_share_of_what_is_left) {
  constexpr int ranks = 4;
  scheduler tasks(equal_tasks(10000), ranks);
  tasks.finished(tasks.take(1).front(), 0.1, 1);
  std::set<std::size_t> sizes;
  for (double left = 9999; left > 0;) {
    const auto size = static_cast<double>(tasks.take().size());
    EXPECT_GE(size, std::max(1.0, std::floor(left / ranks / 8)));
    EXPECT_LE(size, std::max(1.0, left / ranks / 4));
    sizes.insert(static_cast<std::size_t>(size));
    left -= size;
  }
  EXPECT_GT(sizes.size(), 20U) << "equal bundles come back together";
  scheduler many(equal_tasks(1000000), 2);
  many.finished(many.take(1).front(), 1, 1);
  EXPECT_LE(many.take().size(), static_cast<std::size_t>(scheduler::max_bundle));
}

TEST(scheduler, fills_every_lane_of_a_rank_with_its_first_bundle) {
  EXPECT_EQ(scheduler(equal_tasks(640), 4, 16).take().size(), 17U) << "one to spare";
  EXPECT_EQ(scheduler(equal_tasks(20), 4, 16).take().size(), 5U) << "a fair share";
}

TEST(scheduler, keeps_one_task_waiting_on_a_rank_whose_pace_is_not_known) {
  scheduler tasks(equal_tasks(6400), 4, 16);
  EXPECT_EQ(tasks.take(scheduler::max_bundle, unlimited, 1).size(), 17U);
  EXPECT_EQ(tasks.take(scheduler::max_bundle, unlimited, 1).size(), 1U);
}

/// Every rank of four has run a task; rank 3 has half the speed of the others.
scheduler with_a_slow_rank(int count) {
  scheduler tasks(equal_tasks(count), 4);
  for (int rank = 0; rank < 4; ++rank) {
    tasks.finished(tasks.take(1, unlimited, rank).front(), rank == 3 ? 200 : 100, 1);
  }
  return tasks;
}

TEST(scheduler, gives_a_slow_rank_smaller_bundles) {
  EXPECT_LT(with_a_slow_rank(1000).take(scheduler::max_bundle, unlimited, 3).size(),
            with_a_slow_rank(1000).take(scheduler::max_bundle, unlimited, 2).size());
}

TEST(scheduler, gives_a_slow_rank_no_task_that_would_end_after_all_others) {
  scheduler tasks = with_a_slow_rank(4 + 3);
  // A fourth part of the time of three tasks is left, which is less than rank 3 takes for one.
  EXPECT_THAT(tasks.take(scheduler::max_bundle, unlimited, 3), IsEmpty());
  EXPECT_EQ(tasks.take(1, unlimited, 2).size(), 1U);
  EXPECT_EQ(tasks.take(1).size(), 1U);
  EXPECT_EQ(tasks.take(1).size(), 1U);
}

TEST(scheduler, gives_rank_0_what_no_other_rank_gets_however_slow_it_is) {
  scheduler tasks(equal_tasks(4), 2);
  tasks.finished(tasks.take(1, unlimited, 0).front(), 400, 1);
  tasks.finished(tasks.take(1, unlimited, 1).front(), 100, 1);
  EXPECT_EQ(tasks.take(1).size(), 1U);
  EXPECT_EQ(tasks.take(1).size(), 1U);
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
  tasks.finished(0, 20, 10);
  EXPECT_DOUBLE_EQ(tasks.expected_s(10), 20);
  EXPECT_THAT(tasks.take(1, 25), ElementsAre(2)) << "20 s with a margin do not fit into 25 s, 2 s do";
  EXPECT_THAT(tasks.take(1, 25), IsEmpty());
  EXPECT_THAT(tasks.take(1, 40), ElementsAre(1));
}

TEST(scheduler, counts_on_tasks_that_run_side_by_side) {
  scheduler tasks(equal_tasks(34), 1, 16);
  tasks.take(1);
  tasks.finished(0, 10, 1);
  EXPECT_EQ(tasks.take(scheduler::max_bundle, 20).size(), 6U) << "the seventh ends after 1.5 times 10 (1 + 6/16) s";
}

TEST(scheduler, refuses_a_task_it_did_not_hand_out) {
  scheduler tasks(equal_tasks(2), 1);
  EXPECT_THROW(tasks.finished(1, 1, 1), internal_error);
  EXPECT_THROW(scheduler({}, 0), internal_error);
}

TEST(scheduler, takes_new_costs_for_what_has_not_ended) {
  scheduler tasks({{0, 1}, {1, 2}, {2, 3}}, 50);
  EXPECT_THAT(tasks.take(1), ElementsAre(2));
  tasks.estimate([](std::int64_t task) { return task == 0 ? 7.0 : 2.0; });
  EXPECT_THAT(tasks.take(1), ElementsAre(0));
  tasks.finished(2, 30, 3);
  EXPECT_DOUBLE_EQ(tasks.expected_s(2), 20);
  EXPECT_DOUBLE_EQ(tasks.left_s(), (20 + 70 / 2.0) / 50) << "task 1 and half of task 0, on 50 ranks";
}

TEST(scheduler, does_not_mix_first_guesses_with_what_tasks_came_to) {
  scheduler tasks({{0, 1}, {1, 1}, {2, 1}}, 50);
  tasks.finished(tasks.take(1).front(), 10, 100);
  EXPECT_DOUBLE_EQ(tasks.expected_s(1), 10) << "the first guesses are all too low by the same factor";
  tasks.estimate([](std::int64_t) { return 100; });
  EXPECT_DOUBLE_EQ(tasks.expected_s(100), 10);
  EXPECT_DOUBLE_EQ(tasks.left_s(), 20 / 50.0);
}

TEST(scheduler, makes_bundles_large_where_many_ranks_would_ask_too_often) {
  scheduler tasks(equal_tasks(1000000), 1000, 16);
  tasks.finished(tasks.take(1).front(), 0.1, 1);
  // 1000 ranks of 16 tasks of 0.1 s end 160,000 tasks a second: bundles of 160 or more make 1000 requests or fewer.
  for (int i = 0; i < 50; ++i) {
    const auto size = tasks.take().size();
    EXPECT_GE(size, 160U);
    EXPECT_LE(size, 250U) << "a quarter of a fair share";
  }
}

TEST(scheduler, lets_ranks_ask_more_often_shortly_before_the_end) {
  scheduler tasks(equal_tasks(200000), 1000, 16);
  tasks.finished(tasks.take(1).front(), 0.1, 1);
  for (int i = 0; i < 50; ++i) {
    const auto size = tasks.take().size();
    EXPECT_GE(size, 40U) << "4000 requests a second";
    EXPECT_LE(size, 60U);
  }
}

TEST(scheduler, is_fast_with_many_tasks_that_do_not_fit_the_time_left) {
  scheduler tasks(equal_tasks(1000000), 4);
  tasks.take(1);
  tasks.finished(0, 10, 1);
  for (int i = 0; i < 100000; ++i) {
    ASSERT_THAT(tasks.take(1, 12), IsEmpty());
  }
}

TEST(scheduler, is_fast_with_many_tasks_that_fit_and_many_that_do_not) {
  std::vector<scheduled_task> all = equal_tasks(1000000);
  for (std::size_t i = 0; i < all.size(); i += 2) {
    all[i].cost = 100;
  }
  scheduler tasks(std::move(all), 4);
  tasks.finished(tasks.take(1).front(), 1000, 100);
  for (int i = 0; i < 100000; ++i) {
    ASSERT_EQ(tasks.take(1, 100).size(), 1U);
  }
  EXPECT_EQ(tasks.take(1, 10000).size(), 1U);
  EXPECT_EQ(tasks.waiting(), 1000000 - 1 - 100000 - 1);
}

}  // namespace
}  // namespace spikesweep
