#include <gtest/gtest.h>

#include <spikesweep/store/sweep_file.hpp>
#include <spikesweep/sweep/plan.hpp>

#include "store/sweep_samples.hpp"

namespace spikesweep {
namespace {

using testing::scratch_directory;
using testing::small_sweep;

TEST(plan, counts_points_tasks_and_samples) {
  const sweep_plan plan = plan_sweep(small_sweep(10, 3, 50));
  EXPECT_EQ(plan.points, 10);
  EXPECT_EQ(plan.train_points, 8);
  EXPECT_EQ(plan.selection_points, 1);
  EXPECT_EQ(plan.test_points, 1);
  EXPECT_EQ(plan.tasks, 30);
  EXPECT_EQ(plan.samples, 1500);
  EXPECT_FALSE(plan.measured);
}

TEST(plan, knows_the_size_of_the_file) {
  const scratch_directory scratch;
  const sweep_description d = small_sweep(40, 5, 200);
  create_sweep_file(scratch / "s.h5", d);
  const auto size = static_cast<double>(std::filesystem::file_size(scratch / "s.h5"));
  EXPECT_NEAR(static_cast<double>(plan_sweep(d).disk_bytes), size, 0.01 * size);
}

TEST(plan, of_twice_the_replicates_takes_twice_as_long) {
  const sweep_plan once = plan_sweep(small_sweep(10, 3));
  const sweep_plan twice = plan_sweep(small_sweep(10, 6));
  EXPECT_DOUBLE_EQ(twice.core_s, 2 * once.core_s);
  const sweep_plan many = plan_sweep(small_sweep(100, 3));
  EXPECT_LT(many.wall_s(4), many.wall_s(2));
  EXPECT_LT(many.wall_s(2), many.wall_s(1));
  EXPECT_GT(many.wall_s(1), many.core_s);
  EXPECT_DOUBLE_EQ(plan_sweep(small_sweep(1, 1)).wall_s(1), plan_sweep(small_sweep(1, 1)).wall_s(4))
      << "one task takes its time on any number of ranks";
}

TEST(plan, rests_on_measured_tasks) {
  sweep_description d = small_sweep(4, 1, 40);
  d.sampling.burn_in_s = 0.02;
  const task_calibration found = calibrate(d);
  EXPECT_GE(found.tasks, 1);
  EXPECT_GT(found.ns_per_event, 0.1);
  EXPECT_LT(found.ns_per_event, 10000);
  // The static estimate is meant to be of the right order.
  EXPECT_GT(found.cost_ratio, 0.1);
  EXPECT_LT(found.cost_ratio, 10);
  EXPECT_TRUE(plan_sweep(d, found).measured);
  EXPECT_NEAR(plan_sweep(d, found).events, found.cost_ratio * plan_sweep(d).events, 1);
}

}  // namespace
}  // namespace spikesweep
