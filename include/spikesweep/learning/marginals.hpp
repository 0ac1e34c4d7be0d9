#pragma once

#include <span>
#include <vector>

#include <spikesweep/learning/mixture.hpp>

namespace spikesweep {

/// The marginal laws of a mixture of Gaussians with full covariances. Each is a mixture of one-dimensional Gaussians.
struct mixture_marginals {
  std::vector<double> weight;     ///< One for each component; they sum to 1.
  std::vector<double> mean;       ///< dims x components
  std::vector<double> deviation;  ///< dims x components: root of the diagonal of L^-1 L^-T, L the precision factor.

  /// Probability that dimension `dim` is at most y.
  double below(int dim, double y) const;
};

/// The marginals of the mixture that one row of raw outputs describes.
mixture_marginals marginals_of(const mixture_shape& shape, std::span<const float> raw_row);

}  // namespace spikesweep
