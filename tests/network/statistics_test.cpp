#include <cmath>
#include <numbers>

#include <gtest/gtest.h>

#include <spikesweep/base/random.hpp>
#include <spikesweep/network/statistics.hpp>

namespace spikesweep {
namespace {

std::vector<double> white_noise(std::size_t n, double deviation) {
  random_stream stream(7, purpose::test);
  std::vector<double> out(n);
  for (auto& x : out) {
    x = deviation * stream.normal();
  }
  return out;
}

TEST(statistics, logarithm_agrees_with_the_library) {
  random_stream stream(3, purpose::test);
  for (int i = 0; i < 100000; ++i) {
    const double x = stream.uniform() * std::pow(2.0, static_cast<int>(stream.below(40)) - 20);
    EXPECT_NEAR(portable_log(x), std::log(x), 4e-15 * std::max(1.0, std::abs(std::log(x))));
  }
}

TEST(statistics, philox_gives_the_published_numbers) {
  // Known answer of Philox4x32-10 for a zero key and counter (Random123, kat_vectors).
  const auto words = r123::Philox4x32()(r123::Philox4x32::ctr_type{{0, 0, 0, 0}}, r123::Philox4x32::key_type{{0, 0}});
  EXPECT_EQ(words[0], 0x6627e8d5U);
  EXPECT_EQ(words[1], 0xe169c58dU);
  EXPECT_EQ(words[2], 0xbc57ac4cU);
  EXPECT_EQ(words[3], 0x9b00dbd8U);
}

TEST(statistics, streams_of_different_tasks_differ) {
  random_stream a(1, purpose::task, 0, 0);
  random_stream b(1, purpose::task, 0, 1);
  random_stream c(1, purpose::task, 1, 0);
  random_stream d(1, purpose::perturbation, 0, 0);
  random_stream e(1, purpose::task, 0, 0);
  const auto first = a.word64();
  EXPECT_NE(first, b.word64());
  EXPECT_NE(first, c.word64());
  EXPECT_NE(first, d.word64());
  EXPECT_EQ(first, e.word64());
}

TEST(statistics, normal_and_exponential_have_their_moments) {
  random_stream stream(5, purpose::test);
  constexpr int n = 400000;
  double sum = 0;
  double squares = 0;
  double fourth = 0;
  double exponential = 0;
  double exponential_squares = 0;
  for (int i = 0; i < n; ++i) {
    const double x = stream.normal();
    const double y = stream.exponential();
    sum += x;
    squares += x * x;
    fourth += x * x * x * x;
    exponential += y;
    exponential_squares += y * y;
  }
  // Five standard errors, n = 400000: 1/sqrt(n) = 1.6e-3 times the deviation of each statistic.
  EXPECT_NEAR(sum / n, 0, 5 * 1.6e-3);
  EXPECT_NEAR(squares / n, 1, 5 * 1.6e-3 * std::sqrt(2.0));
  EXPECT_NEAR(fourth / n, 3, 5 * 1.6e-3 * std::sqrt(96.0));
  EXPECT_NEAR(exponential / n, 1, 5 * 1.6e-3);
  EXPECT_NEAR(exponential_squares / n, 2, 5 * 1.6e-3 * std::sqrt(20.0));
}

TEST(statistics, fano_factor_of_equal_counts_is_zero_and_of_poisson_counts_is_one) {
  EXPECT_DOUBLE_EQ(fano_factor(std::vector<double>{4, 4, 4, 4}), 0);
  EXPECT_TRUE(std::isnan(fano_factor(std::vector<double>{0, 0})));
  random_stream stream(11, purpose::test);
  std::vector<double> times;
  for (double t = 0; t < 20000;) {
    t += stream.exponential() / 3;
    times.push_back(t);
  }
  // 20000 counts of mean 3: standard error of the factor sqrt(2/20000) = 0.01.
  EXPECT_NEAR(fano_factor(bin_times(times, 0, 1, 20000)), 1, 0.05);
}

TEST(statistics, times_outside_the_bins_are_left_out) {
  const std::vector<double> times{-0.1, 0.0, 0.05, 0.25, 0.7499, 0.75, 5.0};
  EXPECT_EQ(bin_times(times, 0, 0.25, 3), (std::vector<double>{2, 1, 1}));
}

TEST(moments, of_parts_add_up_to_those_of_the_whole) {
  const std::vector<double> values = white_noise(1000, 3.0);
  moments all;
  moments first;
  for (std::size_t i = 0; i < values.size(); ++i) {
    all.add(100 + values[i]);
    if (i < 400) {
      first.add(100 + values[i]);
    }
  }
  moments rest = all;
  rest -= first;
  const auto tail = std::span(values).subspan(400);
  EXPECT_EQ(rest.count, 600);
  EXPECT_NEAR(rest.mean(), 100 + mean(tail), 1e-10);
  EXPECT_NEAR(std::sqrt(rest.variance()), standard_deviation(tail), 1e-8);
  rest += first;
  EXPECT_NEAR(rest.coefficient_of_variation(), all.coefficient_of_variation(), 1e-12);
  EXPECT_TRUE(std::isnan(moments().mean()));
  EXPECT_TRUE(std::isnan(moments().fano_factor()));
}

TEST(moments, of_equal_values_have_no_variance) {
  moments m;
  m.centre = 0.1;
  for (int i = 0; i < 7; ++i) {
    m.add(0.1);
  }
  EXPECT_EQ(m.coefficient_of_variation(), 0);
}

TEST(statistics, kolmogorov_smirnov_distance_of_known_samples) {
  EXPECT_DOUBLE_EQ(ks_distance({1, 2, 3}, {1, 2, 3}), 0);
  EXPECT_DOUBLE_EQ(ks_distance({1, 2, 3}, {4, 5}), 1);
  EXPECT_DOUBLE_EQ(ks_distance({1, 2, 3, 4}, {3, 4, 5, 6}), 0.5);
  EXPECT_TRUE(std::isnan(ks_distance({}, {1})));
}

TEST(statistics, synchrony_index_agrees_with_its_definition) {
  random_stream stream(13, purpose::test);
  std::vector<spike_record> spikes;
  double t = 0;
  for (int i = 0; i < 400; ++i) {
    t += 1e-3 * stream.exponential();
    spikes.push_back({t, static_cast<int>(stream.below(10))});
  }
  double sum = 0;
  for (const auto& centre : spikes) {
    std::vector<bool> fired(10, false);
    for (const auto& other : spikes) {
      if (std::abs(other.time - centre.time) <= 2.5e-3) {
        fired[static_cast<std::size_t>(other.neuron)] = true;
      }
    }
    sum += static_cast<double>(std::count(fired.begin(), fired.end(), true)) / 10;
  }
  EXPECT_NEAR(spike_synchrony_index(spikes, 10), sum / 400, 1e-12);
}

}  // namespace
}  // namespace spikesweep
