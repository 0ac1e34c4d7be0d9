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

}  // namespace
