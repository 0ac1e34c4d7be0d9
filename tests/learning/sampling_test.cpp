// What a law is sampled from in vectors: normals, the drawn component of the mixture, scattered cells, scaled features.
#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <numeric>

#include <gtest/gtest.h>

#include "instruction_sets.hpp"
#include "learning/cells.hpp"
#include "learning/mixture_head.hpp"
#include "learning/noise.hpp"
#include "learning/scaling.hpp"
#include "plain_law.hpp"

namespace {

using namespace spikesweep;

std::vector<float> some_normals(random_stream& stream, std::size_t n, double deviation) {
  std::vector<float> out(n);
  for (auto& x : out) {
    x = static_cast<float>(deviation * stream.normal());
  }
  return out;
}

TEST(noise, words_are_philox_blocks_of_the_stream) {
  for_each_instruction_set([] {
    random_stream stream(0x123456789ABCDEFU, purpose::test, 3, 5);
    random_stream same = stream;
    normal_source source(103);
    for (int draw = 0; draw < 3; ++draw) {
      source.draw(stream);
      const auto words = source.words();
      const std::size_t blocks = words.size() / 4;
      const auto range = same.take_blocks(static_cast<std::uint32_t>(blocks));
      for (std::uint32_t i = 0; i < blocks; ++i) {
        const auto expected =
            r123::Philox4x32()(r123::Philox4x32::ctr_type{{range.first + i, range.high, range.a, range.b}}, range.key);
        for (std::size_t j = 0; j < 4; ++j) {
          ASSERT_EQ(words[j * blocks + i], expected[j]) << "word " << j << " of block " << i;
        }
      }
    }
  });
}

TEST(noise, blocks_set_aside_are_those_that_word_would_have_drawn) {
  random_stream stream(7, purpose::test, 1, 2);
  random_stream skipping = stream;
  const auto range = skipping.take_blocks(5);
  for (std::uint32_t i = 0; i < 5; ++i) {
    const auto block =
        r123::Philox4x32()(r123::Philox4x32::ctr_type{{range.first + i, range.high, range.a, range.b}}, range.key);
    for (std::size_t j = 0; j < 4; ++j) {
      ASSERT_EQ(stream.word(), block[j]);
    }
  }
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(skipping.word(), stream.word()) << "and the others go on behind them";
  }
}

TEST(noise, normals_are_those_of_box_and_muller) {
  for_each_instruction_set([] {
    random_stream stream(8, purpose::test);
    normal_source source(64);
    const auto drawn = source.draw(stream);
    const auto uniform = [&](std::size_t i) { return (std::floor(source.words()[i] / 2.0) + 0.5) * 0x1p-31; };
    for (std::size_t i = 0; i < 32; ++i) {
      const double radius = std::sqrt(-2 * std::log(uniform(i)));
      const double angle = 2 * std::numbers::pi * uniform(32 + i);
      EXPECT_NEAR(static_cast<double>(drawn[i]), radius * std::cos(angle), 3e-6);
      EXPECT_NEAR(static_cast<double>(drawn[32 + i]), radius * std::sin(angle), 3e-6);
    }
  });
}

TEST(noise, normals_have_the_moments_of_normals) {
  random_stream stream(9, purpose::test);
  normal_source source(101);
  constexpr int draws = 4000;
  std::array<double, 4> sums{};
  double neighbours = 0;
  for (int k = 0; k < draws; ++k) {
    const auto x = source.draw(stream);
    ASSERT_EQ(x.size(), 101U);
    for (std::size_t i = 0; i < x.size(); ++i) {
      const auto value = static_cast<double>(x[i]);
      for (std::size_t power = 0; power < sums.size(); ++power) {
        sums[power] += std::pow(value, static_cast<double>(power + 1));
      }
      neighbours += value * static_cast<double>(x[(i + 1) % x.size()]);
    }
  }
  constexpr double n = 101.0 * draws;
  // 4.5 standard errors: those of x, x^2, x^3, x^4 are the roots of 1, 2, 15, 96 over n.
  EXPECT_NEAR(sums[0] / n, 0, 4.5 * std::sqrt(1 / n));
  EXPECT_NEAR(sums[1] / n, 1, 4.5 * std::sqrt(2 / n));
  EXPECT_NEAR(sums[2] / n, 0, 4.5 * std::sqrt(15 / n));
  EXPECT_NEAR(sums[3] / n, 3, 4.5 * std::sqrt(96 / n));
  EXPECT_NEAR(neighbours / n, 0, 4.5 * std::sqrt(1 / n));
}

/// Samples of a mixture whose raw outputs are the weights of one unit, which is 1.
class raw_mixture {
 public:
  raw_mixture(const mixture_shape& shape, const std::vector<float>& raw)
      : shape_(shape), raw_(raw), head_(shape, 1, raw, std::vector<float>(raw.size(), 0.0F)) {}

  std::vector<double> draw(random_stream& stream) {
    const auto z = some_normals(stream, static_cast<std::size_t>(shape_.dims), 1);
    const std::array uniform{static_cast<float>(stream.word()) * 0x1p-32F};
    std::vector<double> y(z.size());
    head_.sample(std::span(raw_).first(static_cast<std::size_t>(shape_.components)), std::array{1.0F}, uniform, z, y);
    return y;
  }

 private:
  mixture_shape shape_;
  std::vector<float> raw_;
  mixture_head head_;
};

TEST(mixture_head, samples_have_the_moments_of_the_mixture) {
  const mixture_shape shape{3, 4};
  random_stream stream(4, purpose::test);
  const auto raw = some_normals(stream, static_cast<std::size_t>(shape.outputs()), 0.6);
  const auto expected = plain::moments(plain::gaussians(3, 4, plain::widen(raw)));
  raw_mixture mixture(shape, raw);
  constexpr int samples = 200000;
  Eigen::MatrixXd drawn(3, samples);
  for (int k = 0; k < samples; ++k) {
    const auto y = mixture.draw(stream);
    drawn.col(k) = Eigen::Map<const Eigen::VectorXd>(y.data(), 3);
  }
  const Eigen::MatrixXd centred = drawn.colwise() - expected.mean;
  for (int i = 0; i < 3; ++i) {
    // 4.5 standard errors: all nine checks together fail by chance once in 16000 seeds.
    EXPECT_NEAR(centred.row(i).mean(), 0, 4.5 * std::sqrt(expected.covariance(i, i) / samples));
    for (int j = 0; j <= i; ++j) {
      const Eigen::ArrayXd product = (centred.row(i).array() * centred.row(j).array()).transpose();
      const double error = std::sqrt((product - product.mean()).square().mean() / samples);
      EXPECT_NEAR(product.mean(), expected.covariance(i, j), 4.5 * error);
    }
  }
}

TEST(mixture_head, samples_come_from_components_in_proportion) {
  const std::vector<float> raw{std::log(1.0F), std::log(2.0F), std::log(5.0F), -50, 0, 50, 0, 0, 0};
  raw_mixture mixture({1, 3}, raw);
  random_stream stream(5, purpose::test);
  std::array<int, 3> seen{};
  constexpr int samples = 80000;
  for (int k = 0; k < samples; ++k) {
    const double y = mixture.draw(stream)[0];
    ++seen[y < -25 ? 0 : y < 25 ? 1 : 2];
  }
  for (std::size_t c = 0; c < 3; ++c) {
    const double p = std::array{1.0, 2.0, 5.0}[c] / 8;
    EXPECT_NEAR(seen[c], samples * p, 4.5 * std::sqrt(samples * p * (1 - p)));
  }
}

/// Rows of a head whose hidden layer has 24 units.
struct head_rows {
  static constexpr std::size_t units = 24;
  static constexpr std::size_t rows = 61;
  mixture_shape shape{7, 6};
  std::vector<float> weights, biases, hidden, normals, logits, uniforms;

  head_rows() {
    random_stream stream(6, purpose::test);
    const auto outputs = static_cast<std::size_t>(shape.outputs());
    weights = some_normals(stream, outputs * units, 0.2);
    biases = some_normals(stream, outputs, 0.5);
    hidden = some_normals(stream, rows * units, 1);
    normals = some_normals(stream, rows * 7, 1);
    logits = some_normals(stream, rows * 6, 2);
    for (std::size_t row = 0; row < rows; ++row) {
      uniforms.push_back(static_cast<float>(stream.uniform()));
    }
  }
  double output(std::size_t row, std::size_t o) const {
    double sum = static_cast<double>(biases[o]);
    for (std::size_t k = 0; k < units; ++k) {
      sum += static_cast<double>(weights[o * units + k]) * static_cast<double>(hidden[row * units + k]);
    }
    return sum;
  }
};

TEST(mixture_head, solves_for_the_drawn_component) {
  for_each_instruction_set([] {
    const head_rows data;
    mixture_head head(data.shape, head_rows::units, data.weights, data.biases);
    std::vector<double> y(head_rows::rows * 7);
    head.sample(data.logits, data.hidden, data.uniforms, data.normals, y);
    for (std::size_t row = 0; row < head_rows::rows; ++row) {
      // The component whose share of the line from 0 to 1 holds the row's uniform.
      std::array<double, 6> prior{};
      for (std::size_t c = 0; c < 6; ++c) {
        prior[c] = std::exp(static_cast<double>(data.logits[row * 6 + c]));
      }
      const double all = std::accumulate(prior.begin(), prior.end(), 0.0);
      std::size_t chosen = 0;
      double sum = prior[0];
      while (static_cast<double>(data.uniforms[row]) * all >= sum) {
        sum += prior[++chosen];
      }
      for (std::size_t i = 0, kind = 8; i < 7; ++i) {
        double z = 0;
        for (std::size_t j = 0; j <= i; ++j, ++kind) {
          const double r = data.output(row, kind * 6 + chosen);
          const double factor = i == j ? std::exp(r / std::sqrt(1 + r * r / 49)) : r;
          z += factor * (y[row * 7 + j] - data.output(row, (1 + j) * 6 + chosen));
        }
        EXPECT_NEAR(z, static_cast<double>(data.normals[row * 7 + i]), 1e-3) << "row " << row;
      }
    }
  });
}

TEST(mixture_head, a_row_does_not_depend_on_the_others) {
  for_each_instruction_set([] {
    const head_rows data;
    mixture_head head(data.shape, head_rows::units, data.weights, data.biases);
    std::vector<double> together(head_rows::rows * 7);
    head.sample(data.logits, data.hidden, data.uniforms, data.normals, together);
    for (std::size_t row = 0; row < head_rows::rows; ++row) {
      std::vector<double> alone(7);
      const auto of_row = [&](const std::vector<float>& of, std::size_t width) {
        return std::span(of).subspan(row * width, width);
      };
      head.sample(of_row(data.logits, 6), of_row(data.hidden, head_rows::units), of_row(data.uniforms, 1),
                  of_row(data.normals, 7), alone);
      EXPECT_TRUE(std::ranges::equal(alone, std::span(together).subspan(row * 7, 7))) << "row " << row;
    }
  });
}

TEST(cell_counts, are_those_of_the_plain_formula) {
  for_each_instruction_set([] {
    // Groups below, at and above the numbers of lanes of every instruction set.
    const std::vector<int> groups{1, 4, 16, 17, 3, 43};
    const std::vector<int> totals{5, 0, 300, 2, 100, 3000};
    constexpr std::size_t width = 84;
    random_stream stream(7, purpose::test);
    const auto logits = some_normals(stream, width, 3);
    const auto noise = some_normals(stream, width, 1);
    auto variance = some_normals(stream, width, 1);
    std::ranges::transform(variance, variance.begin(), [](float x) { return x * x; });
    cell_counts cells(groups);
    const auto smooth = cells.expect(logits, totals, {}, {});
    const std::vector<float> expected(smooth.begin(), smooth.end());
    const auto scattered = cells.expect(logits, totals, variance, noise);
    std::size_t i = 0;
    for (std::size_t g = 0; g < groups.size(); ++g) {
      double sum = 0;
      for (int k = 0; k < groups[g]; ++k) {
        sum += std::exp(static_cast<double>(logits[i + static_cast<std::size_t>(k)]));
      }
      for (int k = 0; k < groups[g]; ++k, ++i) {
        const double x = totals[g] * std::exp(static_cast<double>(logits[i])) / sum;
        EXPECT_NEAR(static_cast<double>(expected[i]), x, 1e-5 * x);
        const double log_variance = std::log1p(static_cast<double>(variance[i]) / std::max(1.0, x));
        const double z = static_cast<double>(noise[i]);
        const double factor = std::exp(std::sqrt(log_variance) * z - 0.5 * log_variance);
        EXPECT_NEAR(static_cast<double>(scattered[i]), x * factor, 1e-5 * x * factor);
      }
    }
  });
}

TEST(scaling, is_that_of_the_plain_formulas) {
  for_each_instruction_set([] {
    for (const std::size_t n : {1U, 15U, 16U, 17U, 43U}) {
      std::vector<std::int32_t> counts(n);
      std::vector<float> mean(n, 0.5F), scale(n);
      std::vector<float> out(n + 1, -7.0F);
      for (std::size_t i = 0; i < n; ++i) {
        counts[i] = static_cast<std::int32_t>(i * i);
        scale[i] = static_cast<float>(i);
      }
      root_shares(counts, 300, std::span(out).first(n));
      for (std::size_t i = 0; i < n; ++i) {
        EXPECT_FLOAT_EQ(out[i], static_cast<float>(std::sqrt(counts[i] / 300.0)));
      }
      std::vector<float> scaled = out;
      scale_within(mean, scale, 8, std::span(scaled).first(n));
      for (std::size_t i = 0; i < n; ++i) {
        EXPECT_FLOAT_EQ(scaled[i], std::clamp((out[i] - 0.5F) * scale[i], -8.0F, 8.0F));
      }
      EXPECT_EQ(out[n], -7.0F) << "nothing past the end is written";
      EXPECT_EQ(scaled[n], -7.0F);
    }
  });
}

}  // namespace
