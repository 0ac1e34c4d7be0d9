#include <algorithm>
#include <cmath>
#include <numeric>

#include <spikesweep/base/error.hpp>
#include <spikesweep/base/rounding.hpp>

namespace spikesweep {

namespace {

template <class Number>
void round_systematically(std::span<const Number> shares, int total, double u, std::span<std::int32_t> counts) {
  SPIKESWEEP_ASSERT(shares.size() == counts.size());
  const double sum = std::accumulate(shares.begin(), shares.end(), 0.0);
  if (!(sum > 0)) {
    std::ranges::fill(counts, 0);
    counts[0] = total;
    return;
  }
  // The last cell that holds anything takes what rounding of the running sum could lose.
  std::size_t last = shares.size() - 1;
  while (shares[last] <= 0) {
    counts[last--] = 0;
  }
  const double scale = total / sum;
  double running = u;
  std::int32_t before = 0;
  for (std::size_t i = 0; i < last; ++i) {
    running += static_cast<double>(shares[i]) * scale;
    const auto now = std::min(total, static_cast<std::int32_t>(running));  // Truncation is floor: nothing is negative.
    counts[i] = now - before;
    before = now;
  }
  counts[last] = total - before;
}

}  // namespace

void systematic_rounding(std::span<const double> shares, int total, double u, std::span<std::int32_t> counts) {
  round_systematically(shares, total, u, counts);
}

void systematic_rounding(std::span<const float> shares, int total, double u, std::span<std::int32_t> counts) {
  round_systematically(shares, total, u, counts);
}

}  // namespace spikesweep
