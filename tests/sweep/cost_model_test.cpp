#include <cmath>

#include <gtest/gtest.h>

#include <spikesweep/base/random.hpp>
#include <spikesweep/sweep/cost_model.hpp>

#include "store/sweep_samples.hpp"

namespace spikesweep {
namespace {

/// Far from expected_events(), but smooth over the axes.
double true_cost(const sweep_description& d, int point) {
  const double x = (d.points.points(point, 0) - 5) / 2;
  return 0.3 * expected_events(d, point) * std::exp(0.8 * x - 0.5 * x * x);
}

TEST(cost_model, expects_more_work_of_strongly_driven_points_from_the_start) {
  const sweep_description d = testing::small_sweep();
  const cost_model costs(d);
  EXPECT_GT(costs.expected(5), costs.expected(0));
  EXPECT_DOUBLE_EQ(costs.expected(5), expected_events(d, 5));
}

TEST(cost_model, learns_the_cost_of_points_that_no_task_was_of) {
  const sweep_description d = testing::small_sweep(30);
  cost_model costs(d);
  random_stream random(5, purpose::test, 0, 0);
  for (int point = 0; point < 30; point += 2) {
    costs.learn(point, true_cost(d, point) * std::exp(0.1 * (random.uniform() - 0.5)));
  }
  EXPECT_EQ(costs.learned(), 15);
  for (int point = 1; point < 30; point += 2) {
    EXPECT_NEAR(costs.expected(point) / true_cost(d, point), 1, 0.1) << point;
  }
}

TEST(cost_model, takes_the_mean_of_a_points_own_tasks) {
  const sweep_description d = testing::small_sweep();
  cost_model costs(d);
  costs.learn(3, 1000);
  costs.learn(3, 2000);
  EXPECT_DOUBLE_EQ(costs.expected(3), 1500);
}

TEST(cost_model, ignores_tasks_without_events) {
  const sweep_description d = testing::small_sweep();
  cost_model costs(d);
  costs.learn(3, 0);
  EXPECT_EQ(costs.learned(), 0);
  EXPECT_DOUBLE_EQ(costs.expected(3), expected_events(d, 3));
}

TEST(cost_model, of_a_sweep_without_axes_or_points_is_no_error) {
  sweep_description d = testing::small_sweep(1);
  cost_model costs(d);
  costs.learn(0, 500);
  EXPECT_DOUBLE_EQ(costs.expected(0), 500);
  const sweep_description none = testing::small_sweep(0);
  EXPECT_EQ(cost_model(none).learned(), 0);
}

}  // namespace
}  // namespace spikesweep
