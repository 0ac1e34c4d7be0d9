#include <cmath>
#include <limits>
#include <numeric>

#include <spikesweep/network/count_table.hpp>

namespace spikesweep {

namespace {

constexpr double least_share = 1e-18;

}  // namespace

template <class Ratio>
count_table::count_table(int likeliest, int largest, const Ratio& up) : first_(likeliest) {
  std::vector<double> below;  // From the likeliest count downwards, without it.
  for (double share = 1; first_ > 0;) {
    share /= up(first_ - 1);
    if (share < least_share) {
      break;
    }
    below.push_back(share);
    --first_;
  }
  std::vector<double> shares(below.rbegin(), below.rend());
  shares.push_back(1);
  for (int k = likeliest; k < largest; ++k) {
    const double share = shares.back() * up(k);
    if (share < least_share) {
      break;
    }
    shares.push_back(share);
  }
  const double total = std::accumulate(shares.begin(), shares.end(), 0.0);
  double sum = 0;
  for (std::size_t i = 0; i + 1 < shares.size(); ++i) {
    sum += shares[i];
    constexpr double largest_word = std::numeric_limits<std::uint32_t>::max();
    ends_.push_back(static_cast<std::uint32_t>(std::min(std::floor(sum / total * 0x1p32), largest_word)));
  }
}

count_table count_table::poisson(double mean) {
  return {static_cast<int>(mean), std::numeric_limits<int>::max(), [mean](int k) { return mean / (k + 1); }};
}

count_table count_table::binomial(int n, double p) {
  if (p >= 1) {
    return {n, n, [](int) { return 1e300; }};
  }
  return {static_cast<int>((n + 1) * p), n, [n, p](int k) { return (n - k) * p / ((k + 1) * (1 - p)); }};
}

}  // namespace spikesweep
