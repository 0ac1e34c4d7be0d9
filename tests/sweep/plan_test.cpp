#include <array>
#include <optional>

#include <gtest/gtest.h>

#include <spikesweep/network/lockstep.hpp>
#include <spikesweep/store/sweep_file.hpp>
#include <spikesweep/sweep/plan.hpp>

#include "patience.hpp"
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
  EXPECT_EQ(plan.calibration.tasks, 0);
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

/// Points of two kinds in turn, which differ in what no rule of thumb sees: the strength of inhibition.
sweep_description alternating_sweep() {
  sweep_description d = small_sweep(64, 1, 60);
  d.base = parameters();
  d.points.axes = {"S_EI"};
  d.points.points.resize(64, 1);
  for (int i = 0; i < 64; ++i) {
    d.points.points(i, 0) = i % 2 == 0 ? 2.5 : 1.2;
  }
  d.sampling.burn_in_s = 0.05;
  d.section.kind = section_kind::interval;
  return d;
}

/// The events of all tasks, simulated; first of the points with an even number, then of the odd ones.
std::array<double, 2> events_of(const sweep_description& d) {
  lockstep_simulator simulator(d.section, d.sampling, d.seed);
  std::int64_t next = 0;
  std::array<double, 2> events{};
  simulator.run(
      [&]() -> std::optional<network_task> {
        if (next == d.tasks()) {
          return std::nullopt;
        }
        const task_identity identity = d.identity(next++);
        return network_task{parameters_at(d.points, d.base, static_cast<int>(identity.point)), identity, 0};
      },
      [&](const network_task& task, task_result&& result) {
        events[task.identity.point % 2] += static_cast<double>(result.summary.events);
      });
  return events;
}

/// How many times as much time trial tasks get. Sanitizers slow the lockstep kernel down far more than the rest.
double trial_patience() {
  constexpr double of_the_kernel = 10;
  return testing::patience() > 1 ? of_the_kernel * testing::patience() : 1;
}

TEST(plan, expects_the_events_that_the_sweep_will_have) {
  const sweep_description d = alternating_sweep();
  task_calibration found;
  // A busy machine needs more time. Where it is short only the quick tasks end, and all look cheap.
  for (double trial_s = 3 * trial_patience(); found.tasks < lockstep_simulator::lanes; trial_s *= 2) {
    found = calibrate(d, trial_s);
  }
  const auto [even, odd] = events_of(d);
  EXPECT_NEAR(plan_sweep(d, found).events, even + odd, 0.1 * (even + odd));
  EXPECT_GT(odd, 1.3 * even) << "too easy: one of both kinds would do";
}

TEST(plan, rests_on_measured_tasks) {
  sweep_description d = small_sweep(4, 1, 40);
  d.sampling.burn_in_s = 0.02;
  const task_calibration found = calibrate(d, 0.6 * trial_patience());
  EXPECT_GE(found.tasks, 1);
  EXPECT_GT(found.wall_s, 0);
  EXPECT_GT(found.ns_per_event, 0.1);
  EXPECT_LT(found.ns_per_event, 10000);
  const sweep_plan plan = plan_sweep(d, found);
  EXPECT_EQ(plan.calibration.tasks, found.tasks);
  EXPECT_NEAR(plan.events, found.cost_ratio * plan_sweep(d).events, 1);
  EXPECT_NEAR(plan.core_s, 1e-9 * plan.events * found.ns_per_event, 1e-6 * plan.core_s);
}

TEST(plan, of_a_network_too_slow_to_try_measures_events_alone) {
  sweep_description d = small_sweep(4, 1, 40);
  d.sampling.burn_in_s = 1000;
  const task_calibration found = calibrate(d, 0.05);
  EXPECT_EQ(found.tasks, 0);
  EXPECT_GT(found.wall_s, 0);
  EXPECT_EQ(found.cost_ratio, task_calibration().cost_ratio);
}

}  // namespace
}  // namespace spikesweep
