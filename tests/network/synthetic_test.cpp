#include "network/synthetic.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <numeric>

#include <gtest/gtest.h>

#include <spikesweep/network/discrete.hpp>
#include <spikesweep/network/leaping.hpp>
#include <spikesweep/network/lockstep.hpp>
#include <spikesweep/network/phases.hpp>
#include <spikesweep/network/serial.hpp>

#include "network_sets.hpp"

namespace spikesweep {
namespace {

/// One coefficient of the orthonormal type-II DCT.
double mode(const std::vector<std::int32_t>& cells, int k) {
  const auto n = static_cast<double>(cells.size());
  double sum = 0;
  for (std::size_t b = 0; b < cells.size(); ++b) {
    sum += cells[b] * std::cos(std::numbers::pi * k * (static_cast<double>(b) + 0.5) / n);
  }
  return sum * std::sqrt((k == 0 ? 1 : 2) / n);
}

TEST(synthetic_modes, keep_the_low_ones_and_change_each_high_one_by_the_poisson_scatter_of_a_cell) {
  constexpr int bins = 42;
  constexpr int first_mode = 8;
  constexpr int draws = 200;
  std::vector<std::int32_t> before(bins);
  for (int b = 0; b < bins; ++b) {
    before[static_cast<std::size_t>(b)] = 1500 + 25 * b;
  }
  const double mean = std::accumulate(before.begin(), before.end(), 0.0) / bins;
  // Rounding moves less than one neuron a cell.
  const double rounding = std::sqrt(2.0 * bins);
  random_stream stream(1, purpose::test);
  std::vector<double> square(bins, 0.0);
  for (int draw = 0; draw < draws; ++draw) {
    std::vector<std::int32_t> after = before;
    perturb_modes(after, first_mode, 1, stream);
    EXPECT_EQ(std::accumulate(after.begin(), after.end(), 0), std::accumulate(before.begin(), before.end(), 0));
    for (int k = 0; k < bins; ++k) {
      const double change = mode(after, k) - mode(before, k);
      square[static_cast<std::size_t>(k)] += change * change / draws;
      if (k < first_mode) {
        EXPECT_LT(std::abs(change), rounding) << "mode " << k;
      }
    }
  }
  // The variance of 200 normal numbers has a relative error of 10 %; rounding adds some 0.01 %.
  for (int k = first_mode; k < bins; ++k) {
    EXPECT_NEAR(square[static_cast<std::size_t>(k)] / mean, 1, 0.5) << "mode " << k;
  }
  for (int k = 0; k < first_mode; ++k) {
    EXPECT_LT(square[static_cast<std::size_t>(k)], 1) << "mode " << k;
  }
}

TEST(synthetic_modes, give_whole_neurons_of_any_histogram) {
  random_stream stream(2, purpose::test);
  for (int draw = 0; draw < 500; ++draw) {
    std::vector<std::int32_t> cells(1 + stream.below(166));
    for (auto& n : cells) {
      n = static_cast<std::int32_t>(stream.below(8) * stream.below(3));
    }
    const int total = std::accumulate(cells.begin(), cells.end(), 0);
    const std::vector<std::int32_t> before = cells;
    perturb_modes(cells, 1 + static_cast<int>(stream.below(20)), stream.uniform(), stream);
    EXPECT_EQ(std::accumulate(cells.begin(), cells.end(), 0), total);
    EXPECT_GE(*std::ranges::min_element(cells), 0);
  }
}

TEST(synthetic_modes, change_nothing_past_the_last_one_nor_at_strength_zero) {
  const std::vector<std::int32_t> before{3, 0, 9, 1, 0, 0, 5};
  random_stream stream(3, purpose::test);
  std::vector<std::int32_t> after = before;
  perturb_modes(after, 7, 1, stream);
  EXPECT_EQ(after, before);
  perturb_modes(after, 1, 0, stream);
  EXPECT_EQ(after, before);
}

TEST(synthetic_parameters, are_uniform_in_the_swept_ranges_and_leave_the_populations_alone) {
  parameters own;
  own.tau_ref = 0;
  const std::vector<swept_range> swept{
      {&find_parameter("S_EE"), 3, 5}, {&find_parameter("N_E"), 100, 1000}, {&find_parameter("tau_ref"), 0, 4}};
  random_stream stream(4, purpose::test);
  double sum = 0;
  constexpr int draws = 1000;
  for (int draw = 0; draw < draws; ++draw) {
    parameters other = draw_other_parameters(own, swept, stream);
    EXPECT_GE(other.S_EE, 3);
    EXPECT_LE(other.S_EE, 5);
    sum += other.S_EE;
    other.S_EE = own.S_EE;
    EXPECT_EQ(other, own);
  }
  // The mean of 1000 uniform numbers scatters by 2 / sqrt(12 * 1000) = 0.018.
  EXPECT_NEAR(sum / draws, 4, 0.09);
}

TEST(synthetic_share, is_the_chance_of_an_excursion_beside_that_of_a_perturbation) {
  sampling_settings sampling;
  sampling.perturb_share = 0.2;
  sampling.synthetic_share = 0.3;
  random_stream stream(5, purpose::test);
  std::array<int, 3> count{};
  constexpr int draws = 100000;
  for (int draw = 0; draw < draws; ++draw) {
    ++count[static_cast<std::size_t>(draw_excursion(sampling, stream))];
  }
  // Five standard deviations: 5 sqrt(0.3 * 0.7 * 100000) = 725.
  EXPECT_NEAR(count[static_cast<std::size_t>(excursion_kind::perturbed)], 20000, 700);
  EXPECT_NEAR(count[static_cast<std::size_t>(excursion_kind::synthetic)], 30000, 725);
}

template <class Network>
void expect_synthetic(Network net) {
  const state_layout layout;
  const auto cells = static_cast<std::size_t>(layout.size());
  random_stream stream(6, purpose::test);
  std::vector<std::int32_t> before(cells);
  std::vector<std::int32_t> after(cells);
  int moved = 0;
  int scaled = 0;
  for (int i = 0; i < 30; ++i) {
    run_until(net, 0.1 + 0.005 * i, nullptr);
    Network fork = net;
    fork.coarse_grain(layout, before);
    fork.synthesize(layout, 8, stream);
    fork.coarse_grain(layout, after);
    for (const population q : {population::E, population::I}) {
      EXPECT_EQ(population_size(layout, after, q), net.network().size(q));
      const auto resting = static_cast<std::size_t>(layout.refractory_cell(q));
      EXPECT_EQ(after[resting], before[resting]);
    }
    const auto pools = static_cast<std::ptrdiff_t>(layout.first_pending());
    moved += !std::equal(before.begin(), before.begin() + pools, after.begin());
    scaled += !std::equal(before.begin() + pools, before.end(), after.begin() + pools);
    run_until(fork, fork.time() + 0.01, nullptr);
  }
  EXPECT_GT(moved, 25);
  EXPECT_GT(scaled, 25);
}

TEST(synthetic_state, keeps_neurons_whatever_simulates_them) {
  expect_synthetic(oracle(parameters(), random_stream(1, purpose::test, 6)));
  expect_synthetic(leaping_network(parameters(), 0.1, random_stream(1, purpose::test, 7)));
  expect_synthetic(discrete_network(wu2023(0.427), 0.1, random_stream(1, purpose::test, 8)));
}

TEST(synthetic_state, comes_from_the_other_parameters_and_goes_on_with_its_own) {
  parameters strong;
  strong.lambda_E = 6000;
  const auto rate_after = [](auto net, const parameters& other) {
    const parameters own = net.network();
    run_until(net, 0.1, nullptr);
    net.change_parameters(other);
    std::vector<spike_record> there;
    run_until(net, 2.1, &there);
    net.change_parameters(own);
    run_until(net, 2.2, nullptr);
    std::vector<spike_record> here;
    run_until(net, 4.2, &here);
    return std::pair(there.size(), here.size());
  };
  const auto expect_both = [&](const auto& net) {
    const auto [there, here] = rate_after(net, strong);
    const auto [same, usual] = rate_after(net, net.network());
    EXPECT_GT(there, 2 * same);
    // Counts of two seconds scatter by 15 % or so: some 80 MFEs.
    EXPECT_NEAR(static_cast<double>(here) / static_cast<double>(usual), 1, 0.4);
  };
  expect_both(oracle(parameters(), random_stream(1, purpose::test, 9)));
  expect_both(leaping_network(parameters(), 0.1, random_stream(1, purpose::test, 10)));
}

struct simulated_section {
  const char* name;
  bool lockstep;
  section_kind section;
};

class synthetic_excursions : public testing::TestWithParam<simulated_section> {
 protected:
  static task_result sample(const sampling_settings& sampling) {
    section_settings section;
    section.kind = GetParam().section;
    return GetParam().lockstep ? sample_task_lockstep(parameters(), section, sampling, {1, 2, 3})
                               : sample_task(parameters(), section, sampling, {1, 2, 3});
  }
};

TEST_P(synthetic_excursions, are_marked_and_leave_the_network_s_own_trajectory_alone) {
  sampling_settings sampling;
  sampling.perturb_share = 0.1;
  sampling.synthetic_share = 0.3;
  sampling.swept = {{&find_parameter("S_EE"), 3, 5}, {&find_parameter("lambda_E"), 2000, 4000}};
  const task_result result = sample(sampling);
  ASSERT_EQ(result.state, task_state::done);
  const auto& block = result.block;
  ASSERT_EQ(block.rows(), sampling.transitions);
  std::int64_t last = -1;
  std::int64_t spikes_E = 0;
  int synthetic = 0;
  for (std::int64_t i = 0; i < block.rows(); ++i) {
    const auto row = static_cast<std::size_t>(i);
    EXPECT_EQ(block.spike_times_E.row(i).sum(), block.spikes(i, 0));
    for (const auto* state : {&block.before, &block.after}) {
      const state_view counts(state->row(i).data(), static_cast<std::size_t>(state->cols()));
      EXPECT_EQ(population_size(sampling.layout.state, counts, population::E), parameters().N_E);
      EXPECT_EQ(population_size(sampling.layout.state, counts, population::I), parameters().N_I);
    }
    if (block.perturbed[row] == 0) {
      if (last >= 0) {
        EXPECT_EQ(block.before.row(i), block.after.row(last));
      }
      last = i;
      spikes_E += block.spikes(i, 0);
    } else if (block.perturbed[row] == synthetic_mark) {
      ++synthetic;
      if (last >= 0) {
        EXPECT_NE(block.before.row(i), block.after.row(last));
      }
      // One phase: the next row is the network's own.
      EXPECT_TRUE(i + 1 == block.rows() || block.perturbed[row + 1] == 0);
    } else {
      EXPECT_LE(block.perturbed[row], sampling.perturb_phases);
    }
  }
  EXPECT_EQ(spikes_E, result.summary.spikes_E);
  // About 400 / 1.6 = 250 sections, 30 % of which start one: 75 +- 7.
  EXPECT_NEAR(synthetic, 75, 35);
}

TEST_P(synthetic_excursions, that_run_away_are_left_out) {
  sampling_settings sampling;
  sampling.transitions = 20;
  sampling.perturb_share = 0;
  sampling.synthetic_share = 1;
  sampling.max_pending = 20000;
  sampling.swept = {{&find_parameter("S_EE"), 20, 20},
                    {&find_parameter("P_EE"), 1, 1},
                    {&find_parameter("S_EI"), 0, 0},
                    {&find_parameter("S_II"), 0, 0}};
  const task_result result = sample(sampling);
  EXPECT_EQ(result.state, task_state::done);
  EXPECT_EQ(result.block.rows(), 20);
  EXPECT_EQ(std::ranges::count(result.block.perturbed, 0), 20);
}

INSTANTIATE_TEST_SUITE_P(Simulators, synthetic_excursions,
                         testing::Values(simulated_section{"plain_interval", false, section_kind::interval},
                                         simulated_section{"plain_mfe", false, section_kind::mfe},
                                         simulated_section{"plain_volley", false, section_kind::volley},
                                         simulated_section{"lockstep_interval", true, section_kind::interval},
                                         simulated_section{"lockstep_mfe", true, section_kind::mfe},
                                         simulated_section{"lockstep_volley", true, section_kind::volley}),
                         [](const auto& set) { return std::string(set.param.name); });

}  // namespace
}  // namespace spikesweep
