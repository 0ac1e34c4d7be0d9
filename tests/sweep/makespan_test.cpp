// The scheduler on a cluster that is made up, where time is only counted: no MPI, no tasks.
#include <cmath>

#include <gtest/gtest.h>

#include <spikesweep/base/random.hpp>
#include <spikesweep/sweep/scheduler.hpp>

#include "sweep/made_up_cluster.hpp"
#include "sweep/made_up_work.hpp"

namespace spikesweep::testing {
namespace {

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

/// What is lost with a node counts for the cluster, not for the scheduler.
void expect_good_schedule(const workload& work, const cluster& on, double least_share) {
  const cluster_outcome got = made_up_cluster(work, on).run();
  EXPECT_EQ(got.ran, static_cast<std::int64_t>(work.length.size()));
  const double share = (ideal_makespan(work, on) + got.lost_s) / got.makespan;
  ::testing::Test::RecordProperty("share_of_ideal", std::to_string(share));
  ::testing::Test::RecordProperty("busiest_second", std::to_string(got.busiest_second));
  EXPECT_GE(share, least_share);
  EXPECT_LE(got.busiest_second, 1.25 * scheduler::max_last_requests_per_s) << "the sizes of bundles are spread";
  EXPECT_LE(static_cast<double>(got.requests) / got.makespan, scheduler::max_requests_per_s);
}

void expect_good_schedule(int ranks, int width, std::size_t tasks_a_lane, double error) {
  const auto lanes = static_cast<std::size_t>(ranks) * static_cast<std::size_t>(width);
  expect_good_schedule(make_workload(lanes * tasks_a_lane, error), {.ranks = ranks, .width = width}, 0.97);
}

TEST(makespan, is_97_percent_of_the_ideal_on_10000_ranks) {
  expect_good_schedule(10000, 16, 12, 0.2);
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

/// 1000 ranks with 100 tasks each. tools/bench cluster does the same with ten times as many ranks.
class makespan_of_a_sweep : public ::testing::Test {
 protected:
  static constexpr double task_s = 10;  ///< [s]
  static constexpr double ideal_s = 100 * task_s;

  const workload work = make_sweep(6250, 16, task_s);
  cluster on{.ranks = 1000};
};

TEST_F(makespan_of_a_sweep, is_97_percent_of_the_ideal) {
  expect_good_schedule(work, on, 0.97);
}

TEST_F(makespan_of_a_sweep, is_97_percent_of_the_ideal_where_a_tenth_of_the_ranks_has_half_the_speed) {
  on.slow_every = 10;
  expect_good_schedule(work, on, 0.97);
}

TEST_F(makespan_of_a_sweep, grows_by_the_lost_work_if_nodes_are_lost) {
  on.slow_every = 10;
  on.losses = {0.3 * ideal_s, 0.9 * ideal_s};
  expect_good_schedule(work, on, 0.97);
}

TEST_F(makespan_of_a_sweep, of_16_tasks_at_a_time_is_near_that_of_a_schedule_that_knows_all_lengths) {
  // With 6 tasks a lane the last tasks decide, and nobody can foresee their lengths to better than a tenth.
  on.width = 16;
  EXPECT_GE(clairvoyant_makespan(work, on) / made_up_cluster(work, on).run().makespan, 0.95);
  on.slow_every = 10;
  EXPECT_GE(clairvoyant_makespan(work, on) / made_up_cluster(work, on).run().makespan, 0.85);
}

TEST_F(makespan_of_a_sweep, goes_on_with_the_saved_tasks_after_a_node_was_lost) {
  on.losses = {0.3 * ideal_s};
  const cluster_outcome got = made_up_cluster(work, on).run();
  EXPECT_GT(got.resumed, on.ranks / 2);
  // Each rank loses at most what it did since its last save, and the lost node the time until its loss is noticed.
  const double of_node = on.ranks_a_node * (on.notice_s + on.save_every_s) / on.ranks;
  EXPECT_LE(got.lost_s, on.save_every_s + of_node + on.restart_s);
}

}  // namespace
}  // namespace spikesweep::testing
