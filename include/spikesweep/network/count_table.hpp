#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace spikesweep {

/// Draws whole numbers from a Poisson or a binomial law, by inversion of a table of cumulative probabilities. The table
/// comes of ratios of neighbouring probabilities alone, so that its bits are the same on every machine. Probabilities
/// are rounded to 2^-32; counts below 1e-18 as likely as the likeliest are left out.
class count_table {
 public:
  /// `mean` at least 0.
  static count_table poisson(double mean);
  /// `n` at least 0, `p` in [0, 1].
  static count_table binomial(int n, double p);

  template <class Generator>
  int draw(Generator& random) const {
    const auto word = static_cast<std::uint32_t>(random.word64() >> 32);
    constexpr std::size_t few = 16;
    std::size_t above = 0;
    if (ends_.size() <= few) {
      while (above < ends_.size() && ends_[above] <= word) {
        ++above;
      }
    } else {
      above = static_cast<std::size_t>(std::upper_bound(ends_.begin(), ends_.end(), word) - ends_.begin());
    }
    return first_ + static_cast<int>(above);
  }

  template <class Archive>
  void serialize(Archive& archive, unsigned /*version*/) {
    archive& first_& ends_;
  }

 private:
  /// `up(k)`: probability of k + 1 over that of k, falling with k.
  template <class Ratio>
  count_table(int likeliest, int largest, const Ratio& up);

  int first_ = 0;                    ///< Smallest count.
  std::vector<std::uint32_t> ends_;  ///< Cumulative probability of all counts but the largest [2^-32].
};

}  // namespace spikesweep
