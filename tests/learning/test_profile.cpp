#include <cmath>
#include <numeric>

#include <gtest/gtest.h>

#include <spikesweep/base/random.hpp>
#include <spikesweep/learning/profile.hpp>

#include "instruction_sets.hpp"
#include "plain_law.hpp"

namespace {

using namespace spikesweep;

TEST(profile, loss_and_gradient_are_those_of_the_plain_formula) {
  for_each_instruction_set([] {
    // Groups below, at and above the numbers of lanes of every instruction set.
    const std::vector<int> groups{1, 4, 16, 17, 3, 67};
    constexpr std::size_t width = 108;
    random_stream stream(1, purpose::test);
    std::vector<float> logits(3 * width);
    std::vector<float> shares(logits.size());
    for (std::size_t i = 0; i < logits.size(); ++i) {
      logits[i] = static_cast<float>(3 * stream.normal());
      shares[i] = static_cast<float>(stream.uniform());
    }
    const std::vector<float> weights{0.5F, 0.0F, 2.0F};
    std::vector<float> gradient(logits.size(), 1.0F);
    const double loss = profile_loss(groups, logits, shares, weights, gradient);
    EXPECT_EQ(profile_loss(groups, logits, shares, weights, {}), loss);
    double expected = 0;
    for (std::size_t row = 0; row < 3; ++row) {
      const auto s = plain::widen(std::span(shares).subspan(row * width, width));
      const auto f = [&](std::span<const double> x) {
        return static_cast<double>(weights[row]) * plain::profile_entropy(groups, x, s);
      };
      const auto x = plain::widen(std::span(logits).subspan(row * width, width));
      expected += f(x);
      const auto mine = std::span(gradient).subspan(row * width, width);
      if (weights[row] != 0) {
        EXPECT_LT(plain::relative_error(mine, plain::differences(f, x)), 1e-5);
      } else {
        EXPECT_EQ(plain::widen(mine), std::vector<double>(width, 0.0));
      }
    }
    EXPECT_NEAR(loss, expected, 1e-5 * expected);
  });
}

TEST(profile, a_group_without_weight_adds_nothing) {
  for_each_instruction_set([] {
    const std::vector<int> groups{3, 5};
    std::vector<float> logits{1, 2, 3, 9, -4, 5, 60, 7};
    const std::vector<float> shares{0.5F, 0.25F, 0.25F, 0, 0, 0, 0, 0};
    const std::vector<float> weights{1.0F};
    std::vector<float> gradient(8);
    const double loss = profile_loss(groups, logits, shares, weights, gradient);
    logits[6] = -2;
    EXPECT_EQ(profile_loss(groups, logits, shares, weights, {}), loss);
    for (std::size_t i = 3; i < 8; ++i) {
      EXPECT_EQ(gradient[i], 0);
    }
  });
}

std::vector<double> some_shares(random_stream& stream, std::size_t n) {
  std::vector<double> shares(n);
  for (auto& share : shares) {
    share = stream.bernoulli(0.3) ? 0 : stream.exponential();
  }
  shares[n / 2] = 1;
  return shares;
}

TEST(systematic_rounding, conserves_the_total_and_stays_within_one_of_the_expected_counts) {
  random_stream stream(2, purpose::test);
  for (int trial = 0; trial < 2000; ++trial) {
    const auto shares = some_shares(stream, 1 + stream.below(80));
    const int total = static_cast<int>(stream.below(400));
    const double sum = std::accumulate(shares.begin(), shares.end(), 0.0);
    std::vector<std::int32_t> counts(shares.size(), -1);
    systematic_rounding(shares, total, trial % 10 == 0 ? 0.0 : stream.uniform(), counts);
    EXPECT_EQ(std::accumulate(counts.begin(), counts.end(), 0), total);
    for (std::size_t i = 0; i < shares.size(); ++i) {
      EXPECT_GE(counts[i], 0);
      EXPECT_LT(std::abs(counts[i] - total * shares[i] / sum), 1 + 1e-9);
      EXPECT_TRUE(shares[i] > 0 || counts[i] == 0) << "a neuron in a cell that cannot hold one";
    }
  }
}

TEST(systematic_rounding, gives_every_cell_its_expected_count_on_average) {
  random_stream stream(3, purpose::test);
  const auto shares = some_shares(stream, 31);
  const double sum = std::accumulate(shares.begin(), shares.end(), 0.0);
  constexpr int total = 75;
  constexpr int draws = 4000;
  std::vector<double> mean(shares.size(), 0.0);
  std::vector<std::int32_t> counts(shares.size());
  for (int k = 0; k < draws; ++k) {
    systematic_rounding(shares, total, (k + 0.5) / draws, counts);
    for (std::size_t i = 0; i < counts.size(); ++i) {
      mean[i] += static_cast<double>(counts[i]) / draws;
    }
  }
  for (std::size_t i = 0; i < counts.size(); ++i) {
    EXPECT_NEAR(mean[i], total * shares[i] / sum,
                2.0 / draws);  // Both ends of a cell are known to one part in `draws`.
  }
}

TEST(systematic_rounding, of_nothing_fills_the_first_cell) {
  const std::vector<double> shares(4, 0.0);
  std::vector<std::int32_t> counts(4, 9);
  systematic_rounding(shares, 7, 0.5, counts);
  EXPECT_EQ(counts, (std::vector<std::int32_t>{7, 0, 0, 0}));
}

}  // namespace
