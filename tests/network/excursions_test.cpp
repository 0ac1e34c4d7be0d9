#include <algorithm>
#include <numeric>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <spikesweep/network/lockstep.hpp>
#include <spikesweep/network/serial.hpp>
#include <spikesweep/network/simulators.hpp>

namespace spikesweep {
namespace {

/// Neurons that kick each other with weight 0: their pools stay near (rate x targets x tau), whatever is pending.
parameters uncoupled() {
  parameters p;
  p.S_EE = p.S_IE = p.S_EI = p.S_II = 0;
  return p;
}

std::int64_t pending(const sampling_settings& sampling, const count_matrix& states, std::int64_t row) {
  const state_layout& layout = sampling.layout.state;
  std::int64_t sum = 0;
  for (int k = 0; k < pool_count; ++k) {
    sum += states(row, layout.pending(static_cast<pool>(k)));
  }
  return sum;
}

struct excursion_case {
  std::string name;
  bool lockstep;
  simulator_kind kind;
};

class excursions : public testing::TestWithParam<excursion_case> {
 protected:
  task_result sample(const parameters& p, const sampling_settings& sampling) const {
    const task_identity task{5, 1, 0};
    return GetParam().lockstep ? sample_task_lockstep(p, section_settings(), sampling, task)
                               : sample_task(p, section_settings(), sampling, task);
  }
};

TEST_P(excursions, of_perturbed_states_that_run_away_are_left_out_and_counted) {
  sampling_settings sampling;
  sampling.simulation.simulator = GetParam().kind;
  sampling.transitions = 400;
  sampling.perturb_share = 0;
  const task_result own = sample(uncoupled(), sampling);
  ASSERT_EQ(own.state, task_state::done);
  EXPECT_EQ(own.summary.left_out, 0);
  std::int64_t largest = 0;
  for (std::int64_t row = 0; row < own.block.rows(); ++row) {
    largest = std::max(largest, pending(sampling, own.block.after, row));
  }
  // The network itself stays below this, six of its standard deviations above its mean; scaled pools need not.
  sampling.max_pending = largest * 11 / 10;
  sampling.perturb_share = 0.5;
  const task_result result = sample(uncoupled(), sampling);
  ASSERT_EQ(result.state, task_state::done);
  ASSERT_EQ(result.block.rows(), 400);
  // One excursion for each two own phases, of 3 phases: about 160 began.
  EXPECT_GT(result.summary.left_out, 2);
  EXPECT_LT(result.summary.left_out, 80);
  EXPECT_GT(std::ranges::count(result.block.perturbed, 3), 10);
  for (std::int64_t row = 0; row < result.block.rows(); ++row) {
    ASSERT_LE(pending(sampling, result.block.before, row), sampling.max_pending) << "row " << row;
  }
}

INSTANTIATE_TEST_SUITE_P(Simulators, excursions,
                         testing::Values(excursion_case{"lockstep", true, simulator_kind::exact},
                                         excursion_case{"oracle", false, simulator_kind::exact},
                                         excursion_case{"leaping", false, simulator_kind::tau_leaping}),
                         [](const auto& set) { return set.param.name; });

/// The lists of the lockstep kernel are sized in floats: beyond 2^22 it would pick wrong members, beyond 2^24 a list
/// would not grow any more.
TEST(excursions_of_lockstep, never_pass_the_bound_whatever_the_size_of_the_pools) {
  parameters p = uncoupled();
  p.N_E = 2000;
  p.P_EE = 1;
  p.tau_EE =
      42;  // At 21 spikes a second of each neuron, and as many targets as neurons, 3.5 million kicks are pending.
  p.tau_ref = 20;
  sampling_settings sampling;
  sampling.transitions = 200;
  sampling.burn_in_s = 0.1;
  sampling.perturb_share = 1;
  sampling.max_pending = max_pending_limit;
  section_settings section;
  section.interval_ms = 1;
  const task_result result = sample_task_lockstep(p, section, sampling, {5, 1, 0});
  ASSERT_EQ(result.state, task_state::done);
  EXPECT_GT(result.summary.left_out, 3);
  std::int64_t largest = 0;
  for (std::int64_t row = 0; row < result.block.rows(); ++row) {
    const std::int64_t now = pending(sampling, result.block.before, row);
    EXPECT_LE(now, sampling.max_pending) << "row " << row;
    largest = std::max(largest, now);
  }
  EXPECT_GT(largest, 3'000'000);
}

}  // namespace
}  // namespace spikesweep
