#include <algorithm>
#include <numeric>

#include <gtest/gtest.h>

#include <spikesweep/base/random.hpp>
#include <spikesweep/learning/cloud.hpp>

namespace spikesweep {
namespace {

constexpr int rows = cloud_fit::most_rows;

/// Transitions of which only the states before are filled in: neurons spread evenly over the bins from `first` to
/// first + 9, pending kicks of 100 and 200 at random, the second pool always half of the first.
transition_block states(const parameters& p, const transition_layout& layout, std::uint32_t number, int first,
                        phase_kind even, phase_kind odd) {
  transition_block block(layout, rows);
  random_stream random(3, purpose::test, number);
  for (int row = 0; row < rows; ++row) {
    block.before.row(row).setZero();
    for (const population q : {population::E, population::I}) {
      for (int neuron = 0; neuron < p.size(q); ++neuron) {
        ++block.before(row, layout.state.first_cell(q) + first + static_cast<int>(random.below(10)));
      }
    }
    const auto pending = static_cast<std::int32_t>(100 + random.below(100));
    block.before(row, layout.state.pending(pool::EE)) = 2 * pending;
    block.before(row, layout.state.pending(pool::IE)) = pending;
    block.phase[static_cast<std::size_t>(row)] = static_cast<std::uint8_t>(row % 2 == 0 ? even : odd);
    block.perturbed[static_cast<std::size_t>(row)] = 0;
  }
  return block;
}

class cloud_of_a_sweep : public ::testing::Test {
 protected:
  cloud_of_a_sweep() {
    cloud_fit fit(layout_.state);
    for (std::uint32_t number = 0; number < 100; ++number) {
      fit.add(p_, states(p_, layout_, number, 10, phase_kind::active, phase_kind::quiet));
    }
    clouds_ = fit.fit();
  }

  double distance(const transition_block& block, int row, phase_kind phase) const {
    const state_outline outline(layout_.state);
    std::vector<double> numbers(outline.size());
    outline.of(p_, {block.before.row(row).data(), static_cast<std::size_t>(block.before.cols())}, numbers);
    const phase_cloud& cloud = clouds_[static_cast<std::size_t>(phase)];
    return cloud.distance(numbers) / cloud.limit;
  }

  /// Share of new states of a kind that are beyond the limit.
  double share_beyond(int first) const {
    int beyond = 0;
    for (std::uint32_t number = 200; number < 250; ++number) {
      const auto block = states(p_, layout_, number, first, phase_kind::active, phase_kind::active);
      for (int row = 0; row < rows; ++row) {
        beyond += distance(block, row, phase_kind::active) > 1 ? 1 : 0;
      }
    }
    return beyond / (50.0 * rows);
  }

  parameters p_;
  transition_layout layout_;
  training_cloud clouds_;
};

TEST_F(cloud_of_a_sweep, holds_all_but_a_thousandth_of_its_states) {
  // 3200 new states: 3 are expected beyond, of a limit that is itself set by 3 of 3200; 12 would be far too many.
  EXPECT_LT(share_beyond(10), 12.0 / 3200);
  EXPECT_GT(distance(states(p_, layout_, 0, 10, phase_kind::active, phase_kind::quiet), 0, phase_kind::active), 0.1);
}

TEST_F(cloud_of_a_sweep, sees_potentials_that_the_network_does_not_have) {
  EXPECT_GT(share_beyond(12), 0.99);
}

TEST_F(cloud_of_a_sweep, sees_counts_that_contradict_each_other) {
  auto block = states(p_, layout_, 300, 10, phase_kind::active, phase_kind::active);
  EXPECT_LT(distance(block, 0, phase_kind::active), 1);
  // Each of them is usual.
  block.before(0, layout_.state.pending(pool::EE)) = 200;
  block.before(0, layout_.state.pending(pool::IE)) = 199;
  EXPECT_GT(distance(block, 0, phase_kind::active), 1.5);
}

TEST_F(cloud_of_a_sweep, is_of_the_phases_that_were_met) {
  EXPECT_FALSE(clouds_[static_cast<std::size_t>(phase_kind::active)].empty());
  EXPECT_FALSE(clouds_[static_cast<std::size_t>(phase_kind::quiet)].empty());
  EXPECT_TRUE(clouds_[static_cast<std::size_t>(phase_kind::step)].empty());
}

TEST_F(cloud_of_a_sweep, leaves_perturbed_states_out) {
  cloud_fit fit(layout_.state);
  for (std::uint32_t number = 0; number < 100; ++number) {
    fit.add(p_, states(p_, layout_, number, 10, phase_kind::active, phase_kind::quiet));
    auto odd = states(p_, layout_, number, 20, phase_kind::active, phase_kind::quiet);
    std::ranges::fill(odd.perturbed, 1);
    fit.add(p_, odd);
  }
  const training_cloud again = fit.fit();
  for (std::size_t phase = 0; phase < again.size(); ++phase) {
    EXPECT_EQ(again[phase].mean, clouds_[phase].mean);
    EXPECT_EQ(again[phase].limit, clouds_[phase].limit);
  }
}

}  // namespace
}  // namespace spikesweep
