#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/base/random.hpp>
#include <spikesweep/learning/adamw.hpp>
#include <spikesweep/learning/schedule.hpp>

#include "instruction_sets.hpp"

namespace {

using namespace spikesweep;

/// One parameter under AdamW in the order of PyTorch's documentation of torch.optim.AdamW: decay, moments, their bias
/// corrections, step.
struct reference {
  double theta;
  double m = 0;
  double v = 0;
  int t = 0;

  void step(double g, double rate, double decay) {
    ++t;
    theta -= rate * decay * theta;
    m = 0.9 * m + (1 - 0.9) * g;
    v = 0.999 * v + (1 - 0.999) * g * g;
    const double m_hat = m / (1 - std::pow(0.9, t));
    const double v_hat = v / (1 - std::pow(0.999, t));
    theta -= rate * m_hat / (std::sqrt(v_hat) + 1e-8);
  }
};

TEST(adamw, follows_the_published_update) {
  constexpr std::size_t size = 37;  // No multiple of any vector length.
  random_stream stream(1, purpose::test);
  adamw_settings settings;
  settings.weight_decay = 0.1;
  adamw optimiser(settings, size);
  std::vector<float> parameters(size);
  std::vector<reference> expected;
  for (auto& p : parameters) {
    p = static_cast<float>(stream.normal());
    expected.push_back({p});
  }
  for (int step = 0; step < 200; ++step) {
    const double rate = 1e-2 / (1 + 0.01 * step);
    std::vector<float> gradient(size);
    for (std::size_t i = 0; i < size; ++i) {
      gradient[i] = static_cast<float>(std::pow(10.0, static_cast<double>(i % 7) - 4) * (stream.normal() + 0.3));
      expected[i].step(gradient[i], rate, settings.weight_decay);
    }
    optimiser.step(parameters, gradient, rate);
  }
  EXPECT_EQ(optimiser.steps(), 200);
  for (std::size_t i = 0; i < size; ++i) {
    EXPECT_NEAR(parameters[i], expected[i].theta, 2e-5) << i;
  }
}

TEST(adamw, first_steps_are_those_worked_out_by_hand) {
  // Any gradient at first moves a parameter by the learning rate: 1 - 0.1 * 0.01 * 1 - 0.1 = 0.899. With the same
  // gradient again both corrected moments stay: 0.899 - 0.1 * 0.01 * 0.899 - 0.1 = 0.798101.
  adamw optimiser({}, 1);
  std::vector<float> p{1.0F};
  const std::vector<float> g{0.5F};
  optimiser.step(p, g, 0.1);
  EXPECT_NEAR(p[0], 0.899, 5e-7);
  optimiser.step(p, g, 0.1);
  EXPECT_NEAR(p[0], 0.798101, 5e-7);
  // A gradient of zero: m = 0.095 * 0.9, v = 0.00049975 * 0.999; m' = 0.0855 / 0.271, v' = 0.00049925 / 0.002997.
  optimiser.step(p, std::vector<float>{0.0F}, 0.1);
  const double move = 0.1 * (0.0855 / 0.271) / std::sqrt(0.00049925025 / 0.002997001);
  EXPECT_NEAR(p[0], 0.798101 * 0.999 - move, 5e-7);
}

TEST(adamw, gives_the_same_bits_on_every_instruction_set) {
  std::vector<std::vector<float>> results;
  for_each_instruction_set([&] {
    random_stream stream(3, purpose::test);
    adamw optimiser({}, 1003);
    std::vector<float> p(1003, 1.0F);
    std::vector<float> g(p.size());
    for (int step = 0; step < 20; ++step) {
      for (auto& x : g) {
        x = static_cast<float>(stream.normal());
      }
      optimiser.step(p, g, 1e-2, clipping_scale(gradient_norm(g), 1));
    }
    results.push_back(p);
  });
  for (const auto& result : results) {
    EXPECT_EQ(result, results.front());
  }
}

TEST(adamw, resumes_with_the_same_bits) {
  random_stream stream(2, purpose::test);
  const auto gradient = [&] {
    std::vector<float> g(20);
    for (auto& x : g) {
      x = static_cast<float>(stream.normal());
    }
    return g;
  };
  adamw whole({}, 20);
  std::vector<float> p(20, 1.0F);
  for (int step = 0; step < 5; ++step) {
    whole.step(p, gradient(), 1e-2);
  }
  adamw resumed({}, 20);
  resumed.restore({whole.first_moments().begin(), whole.first_moments().end()},
                  {whole.second_moments().begin(), whole.second_moments().end()}, whole.steps());
  auto q = p;
  for (int step = 0; step < 5; ++step) {
    const auto g = gradient();
    whole.step(p, g, 1e-2);
    resumed.step(q, g, 1e-2);
  }
  EXPECT_EQ(p, q);
  EXPECT_THROW(resumed.restore(std::vector<float>(3), std::vector<float>(3), 1), input_error);
}

TEST(clipping, scales_down_to_the_largest_norm_only) {
  std::vector<float> g(50, 0.0F);
  g[3] = 3;
  g[49] = -4;
  EXPECT_DOUBLE_EQ(gradient_norm(g), 5);
  EXPECT_EQ(clipping_scale(5, 10), 1);
  EXPECT_FLOAT_EQ(clipping_scale(5, 1), 0.2F);
  adamw clipped({}, 50);
  adamw scaled({}, 50);
  std::vector<float> p(50, 1.0F);
  std::vector<float> q = p;
  clipped.step(p, g, 0.1, 0.2F);
  g[3] *= 0.2F;
  g[49] *= 0.2F;
  scaled.step(q, g, 0.1);
  EXPECT_EQ(p, q);
  EXPECT_TRUE(std::ranges::equal(clipped.second_moments(), scaled.second_moments()));
}

TEST(gradient_norm, is_that_of_plain_code_with_the_same_bits_on_every_instruction_set) {
  random_stream stream(4, purpose::test);
  std::vector<float> g(10007);
  double squares = 0;
  for (auto& x : g) {
    const double value = stream.normal();
    x = static_cast<float>(value * std::exp(stream.normal()));
    squares += static_cast<double>(x) * static_cast<double>(x);
  }
  std::vector<double> norms;
  for_each_instruction_set([&] { norms.push_back(gradient_norm(g)); });
  EXPECT_NEAR(norms.front(), std::sqrt(squares), 1e-12 * std::sqrt(squares));
  for (const double norm : norms) {
    EXPECT_EQ(norm, norms.front());
  }
}

TEST(gradient_norm, tells_of_a_gradient_that_is_not_finite) {
  EXPECT_FALSE(std::isfinite(gradient_norm(std::vector<float>{1.0F, std::nanf("")})));
  EXPECT_FALSE(std::isfinite(gradient_norm(std::vector<float>(40, std::numeric_limits<float>::infinity()))));
}

TEST(warmup_cosine, rises_in_a_line_and_falls_as_a_cosine_to_zero) {
  EXPECT_DOUBLE_EQ(warmup_cosine(2, 0, 4, 104), 0.5);
  EXPECT_DOUBLE_EQ(warmup_cosine(2, 3, 4, 104), 2);
  EXPECT_DOUBLE_EQ(warmup_cosine(2, 4, 4, 104), 2);
  EXPECT_NEAR(warmup_cosine(2, 29, 4, 104), 1 + std::sqrt(0.5), 1e-12);
  EXPECT_NEAR(warmup_cosine(2, 54, 4, 104), 1, 1e-12);
  EXPECT_NEAR(warmup_cosine(2, 104, 4, 104), 0, 1e-12);
  for (int step = 5; step < 104; ++step) {
    EXPECT_LT(warmup_cosine(2, step, 4, 104), warmup_cosine(2, step - 1, 4, 104) + 1e-15);
  }
}

TEST(warmup_cosine, takes_no_warmup_and_nothing_but_warmup) {
  EXPECT_DOUBLE_EQ(warmup_cosine(1, 0, 0, 10), 1);
  EXPECT_DOUBLE_EQ(warmup_cosine(1, 9, 10, 10), 1);
  EXPECT_TRUE(std::isfinite(warmup_cosine(1, 10, 10, 10)));
}

}  // namespace
