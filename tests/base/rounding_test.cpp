#include <cmath>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

#include <spikesweep/base/random.hpp>
#include <spikesweep/base/rounding.hpp>

namespace spikesweep {
namespace {

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
}  // namespace spikesweep
