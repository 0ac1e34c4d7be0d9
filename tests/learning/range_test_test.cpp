#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include <spikesweep/learning/range_test.hpp>

#include "real_transitions.hpp"

namespace spikesweep {
namespace {

namespace mpi = boost::mpi;

learning_settings small_networks() {
  learning_settings settings;
  settings.hidden = 64;
  settings.layers = 2;
  settings.batch = 128;
  settings.shards = 8;
  return settings;
}

range_test_result test_on(const mpi::communicator& ranks, const range_test_settings& range) {
  model m;
  const training_data data = testing::real_transitions(ranks, 4096, small_networks().shards, m);
  return run_range_test(ranks, data, small_networks(), range, m);
}

TEST(range_test, finds_a_rate_on_real_transitions_and_ends_when_the_loss_explodes) {
  const range_test_result result = test_on(mpi::communicator(), {});
  EXPECT_EQ(result.end, range_test_end::exploded);
  ASSERT_GT(result.steps.size(), 100U);
  EXPECT_LT(result.steps.size(), 300U);
  ASSERT_TRUE(result.suggestion);
  // Adam moves every weight by about the rate: of weights near 0.1, too little below, and all of them above.
  EXPECT_GT(*result.suggestion, 3e-4);
  EXPECT_LT(*result.suggestion, 3e-2);
  EXPECT_GT(result.best_rate, *result.suggestion);
  EXPECT_LT(result.best_rate, result.steps.back().learning_rate);
  double best = result.steps.front().smoothed;
  for (const range_test_step& s : result.steps) {
    EXPECT_NEAR(std::log10(s.learning_rate), -7 + 7.0 * static_cast<double>(s.step) / 299, 1e-9);
    best = std::min(best, s.smoothed);
  }
  EXPECT_GT(result.steps.back().smoothed, best + 0.5 * result.steps.front().smoothed);
}

TEST(range_test, is_the_same_for_every_rank_count) {
  const mpi::communicator world;
  const range_test_settings range{1e-4, 1e-1, 40};
  const range_test_result shared = test_on(world, range);
  const range_test_result single = test_on(world.split(world.rank()), range);
  ASSERT_EQ(shared.steps.size(), single.steps.size());
  for (std::size_t i = 0; i < shared.steps.size(); ++i) {
    EXPECT_NEAR(shared.steps[i].counts, single.steps[i].counts, 1e-3 * std::abs(single.steps[i].counts));
    EXPECT_NEAR(shared.steps[i].profile, single.steps[i].profile, 1e-3 * single.steps[i].profile);
  }
}

TEST(range_test, gradients_that_are_not_finite_end_it_without_an_error) {
  const range_test_result result = test_on(mpi::communicator(), {1e30, 1e35, 20});
  EXPECT_EQ(result.end, range_test_end::not_finite);
  EXPECT_EQ(result.steps.size(), 1U);
  EXPECT_FALSE(result.suggestion);
}

TEST(range_test, ends_at_the_highest_rate_if_nothing_explodes) {
  const range_test_result result = test_on(mpi::communicator(), {1e-6, 1e-4, 30});
  EXPECT_EQ(result.end, range_test_end::highest_rate);
  EXPECT_EQ(result.steps.size(), 30U);
  EXPECT_NEAR(result.steps.back().learning_rate, 1e-4, 1e-10);
}

TEST(range_test, suggests_where_the_loss_falls_most_steeply_and_nothing_if_it_never_falls) {
  std::vector<range_test_step> falls;
  std::vector<range_test_step> rises;
  for (int i = 0; i < 100; ++i) {
    const double rate = std::pow(10, -5 + 0.05 * i);
    falls.push_back({i, rate, 0, 0, -std::tanh(0.1 * (i - 40)) + (i > 70 ? std::pow(1.2, i - 70) : 0)});
    rises.push_back({i, rate, 0, 0, 0.1 * i});
  }
  ASSERT_TRUE(steepest_descent(falls));
  EXPECT_NEAR(*steepest_descent(falls), falls[40].learning_rate, 1e-12);
  EXPECT_FALSE(steepest_descent(rises));
  EXPECT_FALSE(steepest_descent({}));
}

}  // namespace
}  // namespace spikesweep
