#include <cmath>

#include <gtest/gtest.h>

#include <spikesweep/learning/adamw.hpp>
#include <spikesweep/learning/mixture.hpp>
#include <spikesweep/learning/mlp.hpp>
#include <spikesweep/learning/schedule.hpp>

#include "instruction_sets.hpp"
#include "plain_law.hpp"

namespace {

using namespace spikesweep;

std::vector<float> normals(random_stream& stream, std::size_t n, double deviation) {
  std::vector<float> out(n);
  for (auto& x : out) {
    x = static_cast<float>(deviation * stream.normal());
  }
  return out;
}

/// Below, at and above the numbers of lanes of every instruction set.
const std::vector<mixture_shape> shapes{{1, 1}, {2, 3}, {3, 8}, {6, 10}, {7, 16}, {2, 17}, {4, 35}};

TEST(mixture, loss_is_that_of_the_densities_written_with_covariances) {
  for_each_instruction_set([] {
    for (const auto& shape : shapes) {
      random_stream stream(1, purpose::test, static_cast<std::uint32_t>(shape.components));
      const auto outputs = static_cast<std::size_t>(shape.outputs());
      const auto dims = static_cast<std::size_t>(shape.dims);
      const auto raw = normals(stream, 5 * outputs, 0.5);
      const auto targets = normals(stream, 5 * dims, 1);
      const std::vector<float> weights{1.0F, 0.5F, 0.0F, 2.0F, 0.25F};
      double expected = 0;
      for (std::size_t row = 0; row < weights.size(); ++row) {
        const auto r = plain::widen(std::span(raw).subspan(row * outputs, outputs));
        const auto y = plain::widen(std::span(targets).subspan(row * dims, dims));
        expected += static_cast<double>(weights[row]) * plain::mixture_nll(shape.dims, shape.components, r, y);
      }
      EXPECT_NEAR(mixture_loss(shape, raw, targets, weights, {}), expected, 1e-5 * std::abs(expected));
    }
  });
}

TEST(mixture, gradient_is_that_of_finite_differences) {
  for_each_instruction_set([] {
    for (const auto& shape : shapes) {
      random_stream stream(2, purpose::test, static_cast<std::uint32_t>(shape.components));
      const auto outputs = static_cast<std::size_t>(shape.outputs());
      const auto raw = normals(stream, 2 * outputs, 0.5);
      const auto targets = normals(stream, 2 * static_cast<std::size_t>(shape.dims), 1);
      const std::vector<float> weights{0.0F, 0.75F};
      std::vector<float> gradient(raw.size(), 1.0F);
      mixture_loss(shape, raw, targets, weights, gradient);
      const auto y = plain::widen(std::span(targets).last(static_cast<std::size_t>(shape.dims)));
      const auto f = [&](std::span<const double> r) {
        return 0.75 * plain::mixture_nll(shape.dims, shape.components, r, y);
      };
      const auto expected = plain::differences(f, plain::widen(std::span(raw).last(outputs)));
      EXPECT_LT(plain::relative_error(std::span(gradient).last(outputs), expected), 1e-4);
      EXPECT_EQ(std::vector(gradient.begin(), gradient.end() - static_cast<std::ptrdiff_t>(outputs)),
                std::vector<float>(outputs, 0.0F));
    }
  });
}

TEST(mixture, loss_and_gradient_stay_finite_for_wild_outputs_and_targets) {
  for_each_instruction_set([] {
    const mixture_shape shape{3, 5};
    random_stream stream(3, purpose::test);
    const auto raw = normals(stream, static_cast<std::size_t>(shape.outputs()), 60);
    const std::vector<float> targets{-40.0F, 3.0F, 90.0F};
    std::vector<float> gradient(raw.size());
    EXPECT_TRUE(std::isfinite(mixture_loss(shape, raw, targets, std::vector<float>{1.0F}, gradient)));
    for (const float g : gradient) {
      EXPECT_TRUE(std::isfinite(g));
    }
  });
}

TEST(mixture, an_overconfident_factor_is_held_but_can_come_back) {
  EXPECT_NEAR(bounded_log_diagonal(0.1), 0.1, 1e-4);
  EXPECT_NEAR(bounded_log_diagonal(1e6), 7, 1e-6);
  EXPECT_NEAR(bounded_log_diagonal(-1e6), -7, 1e-6);
  const mixture_shape shape{1, 1};
  const std::vector<float> raw{0.0F, 0.0F, 20.0F};
  std::vector<float> gradient(3);
  mixture_loss(shape, raw, std::vector<float>{1.0F}, std::vector<float>{1.0F}, gradient);
  EXPECT_GT(gradient[2], 1) << "descent lowers the factor";
}

TEST(mixture, spread_sets_the_means_biases_only) {
  const mixture_shape shape{2, 3};
  std::vector<float> biases(static_cast<std::size_t>(shape.outputs()), 0.0F);
  random_stream stream(6, purpose::test);
  spread_components(shape, stream, biases);
  for (std::size_t i = 0; i < biases.size(); ++i) {
    EXPECT_EQ(biases[i] != 0, i >= 3 && i < 9) << i;
  }
}

/// A law that changes with x: mean (x, x^2 - x/2), standard deviations 0.4 exp(x/2) and 0.3, correlation 0.6 x.
plain::gaussian toy_law(double x) {
  plain::gaussian law;
  law.mean = Eigen::Vector2d(x, x * x - 0.5 * x);
  const double a = 0.4 * std::exp(0.5 * x);
  const double b = 0.3;
  law.covariance = Eigen::Matrix2d{{a * a, 0.6 * x * a * b}, {0.6 * x * a * b, b * b}};
  return law;
}

std::vector<float> train_on_toy_law(const mixture_shape& mixture, const mlp_shape& shape) {
  constexpr int rows = 256;
  constexpr int steps = 2500;
  random_stream stream(7, purpose::test);
  std::vector<float> parameters(shape.parameter_count());
  std::vector<float> gradient(parameters.size());
  initialise(shape, stream, parameters);
  spread_components(mixture, stream, std::span(parameters).last(static_cast<std::size_t>(shape.outputs)));
  mlp network(shape, rows, true);
  adamw optimiser({}, parameters.size());
  std::vector<float> targets(std::size_t{2} * rows);
  const std::vector<float> weights(rows, 1.0F / rows);
  for (int step = 0; step < steps; ++step) {
    for (std::size_t row = 0; row < rows; ++row) {
      const double x = 2 * stream.uniform() - 1;
      const auto law = toy_law(x);
      const Eigen::Vector2d y =
          law.mean + law.covariance.llt().matrixL() * Eigen::Vector2d(stream.normal(), stream.normal());
      network.input()[row] = static_cast<float>(x);
      targets[2 * row] = static_cast<float>(y[0]);
      targets[2 * row + 1] = static_cast<float>(y[1]);
    }
    network.set_parameters(parameters);
    mixture_loss(mixture, network.forward(), targets, weights, network.output_gradient());
    network.backward(gradient);
    optimiser.step(parameters, gradient, warmup_cosine(5e-3, step, 100, steps),
                   clipping_scale(gradient_norm(gradient), 1));
  }
  return parameters;
}

TEST(mixture, a_network_learns_a_conditional_mean_and_covariance) {
  const mixture_shape mixture{2, 2};
  const mlp_shape shape{1, {32, 32}, mixture.outputs()};
  const auto parameters = train_on_toy_law(mixture, shape);
  for (const double x : {-0.8, -0.3, 0.0, 0.5, 0.9}) {
    const auto raw = plain::perceptron(shape.sizes(), plain::widen(parameters), {x});
    const auto learnt = plain::moments(plain::gaussians(2, 2, raw));
    const auto law = toy_law(x);
    for (int i = 0; i < 2; ++i) {
      EXPECT_NEAR(learnt.mean(i), law.mean(i), 0.05 * std::sqrt(law.covariance(i, i))) << "at " << x;
      for (int j = 0; j <= i; ++j) {
        const double scale = std::sqrt(law.covariance(i, i) * law.covariance(j, j));
        EXPECT_NEAR(learnt.covariance(i, j), law.covariance(i, j), 0.08 * scale) << "at " << x;
      }
    }
  }
}

}  // namespace
