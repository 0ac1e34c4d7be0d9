#pragma once

#include <span>
#include <vector>

#include <spikesweep/learning/mixture.hpp>

namespace spikesweep {

/// The marginal laws of a mixture of full-covariance Gaussians: each is a mixture of one-dimensional ones.
struct mixture_marginals {
  std::vector<double> weight;     ///< components; they sum to 1.
  std::vector<double> mean;       ///< dims x components
  std::vector<double> deviation;  ///< dims x components: the diagonal of L^-1 L^-T, L the precision factor.

  /// Probability that dimension `dim` is at most y.
  double below(int dim, double y) const;
};

/// Of the mixture of one row of raw outputs.
mixture_marginals marginals_of(const mixture_shape& shape, std::span<const float> raw_row);

}  // namespace spikesweep
