#include <algorithm>
#include <cmath>
#include <utility>

#include <gtest/gtest.h>

#include <spikesweep/base/random.hpp>
#include <spikesweep/network/count_table.hpp>
#include <spikesweep/network/generator.hpp>

namespace spikesweep {
namespace {

struct moments {
  double mean = 0;
  double variance = 0;
  int smallest = 1 << 30;
  int largest = 0;
};

moments moments_of(const count_table& table, std::uint32_t stream) {
  constexpr int draws = 400000;
  random_stream seeds(1, purpose::test, 40, stream);
  event_generator random(seeds);
  moments m;
  double squares = 0;
  for (int i = 0; i < draws; ++i) {
    const int n = table.draw(random);
    m.mean += n;
    squares += static_cast<double>(n) * n;
    m.smallest = std::min(m.smallest, n);
    m.largest = std::max(m.largest, n);
  }
  m.mean /= draws;
  m.variance = squares / draws - m.mean * m.mean;
  return m;
}

// Over 400,000 draws the standard error of a mean is sqrt(variance) / 632, that of a variance about variance / 447 for
// means of a few and more, and up to 1 / sqrt(mean) times that below; four of them are allowed.
void expect_moments(const moments& found, double mean, double variance) {
  EXPECT_NEAR(found.mean, mean, 4 * std::sqrt(variance) / 632) << mean;
  EXPECT_NEAR(found.variance, variance, 4 * variance / 447 * std::max(1.0, std::sqrt(1 / mean))) << mean;
}

TEST(count_table, of_poisson_has_mean_and_variance_alike) {
  std::uint32_t stream = 0;
  for (const double mean : {0.02, 0.3, 0.7, 2.8, 17.0, 900.0}) {
    expect_moments(moments_of(count_table::poisson(mean), stream++), mean, mean);
  }
}

TEST(count_table, of_binomial_has_its_moments_and_stays_between_zero_and_n) {
  std::uint32_t stream = 100;
  for (const auto& [n, p] : {std::pair{1, 0.3}, {7, 0.9}, {60, 0.7}, {60, 0.05}, {5000, 0.8}}) {
    const moments found = moments_of(count_table::binomial(n, p), stream++);
    expect_moments(found, n * p, n * p * (1 - p));
    EXPECT_LE(found.largest, n);
    EXPECT_GE(found.smallest, 0);
  }
}

TEST(count_table, of_a_certain_count_draws_nothing_else) {
  for (const auto& [table, count] : {std::pair{count_table::poisson(0), 0},
                                     {count_table::binomial(0, 0.5), 0},
                                     {count_table::binomial(9, 0), 0},
                                     {count_table::binomial(9, 1), 9}}) {
    const moments found = moments_of(table, 200);
    EXPECT_EQ(found.smallest, count);
    EXPECT_EQ(found.largest, count);
  }
}

}  // namespace
}  // namespace spikesweep
