#include <algorithm>
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

TEST(scheduler, shrinks_its_bundles_down_to_one_task) {
  scheduler tasks(equal_tasks(100), 4);
  std::vector<std::size_t> sizes;
  for (auto bundle = tasks.take(); !bundle.empty(); bundle = tasks.take()) {
    sizes.push_back(bundle.size());
  }
  EXPECT_EQ(sizes.front(), 12U) << "half of a fair share of 100 tasks for 4";
  EXPECT_TRUE(std::is_sorted(sizes.rbegin(), sizes.rend()));
  EXPECT_EQ(sizes.back(), 1U);
  EXPECT_EQ(scheduler(equal_tasks(100000), 2).take().size(), static_cast<std::size_t>(scheduler::max_bundle));
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

TEST(scheduler, hands_out_suspects_apart) {
  scheduler tasks({{0, 1}, {1, 2, true}, {2, 3, true}}, 1);
  EXPECT_EQ(tasks.waiting(), 3);
  EXPECT_EQ(tasks.take_suspect(), 2);
  EXPECT_EQ(tasks.suspects(), 1);
  EXPECT_THAT(tasks.take(), ElementsAre(0));
  EXPECT_THAT(tasks.take(), IsEmpty());
  tasks.stop();
  EXPECT_EQ(tasks.take_suspect(), std::nullopt);
  EXPECT_EQ(tasks.waiting(), 1);
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

TEST(scheduler, expects_more_work_of_strongly_driven_points) {
  const sweep_description d = testing::small_sweep();
  EXPECT_GT(expected_events(d, 5), expected_events(d, 0));
}

}  // namespace
}  // namespace spikesweep
