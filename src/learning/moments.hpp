#pragma once

namespace spikesweep {

/// Mean and variance of some numbers.
struct mean_and_variance {
  double mean = 0;
  double variance =
      0;  ///< The sum of squares about the mean over the number of numbers; rounding can make it negative.
};

/// From the number of numbers, their sum and the sum of their squares.
constexpr mean_and_variance moments_of(double count, double sum, double squares) {
  const double mean = sum / count;
  return {mean, squares / count - mean * mean};
}

}  // namespace spikesweep
