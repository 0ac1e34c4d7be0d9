#pragma once

#include <array>
#include <span>
#include <vector>

#include <boost/mpi/communicator.hpp>

#include <spikesweep/learning/dataset.hpp>

namespace spikesweep {

/// Where the standardised inputs of the training rows of one phase lie. Distances from them are Mahalanobis's over the
/// root of the number of features: a typical training row is at 1, also one that is unusual in each feature but in none
/// together, and one whose features contradict each other is far off.
struct phase_cloud {
  std::vector<double> mean;
  std::vector<double> whitening;  ///< Inverse of the lower Cholesky factor of the covariance, row-major and square.
  double limit = 0;               ///< Distance within which cloud_share of the training rows lie.

  /// No such phase was met.
  bool empty() const { return mean.empty(); }
  /// Throws internal_error if the cloud is empty or of other features.
  double distance(std::span<const float> features) const;
};

/// By phase_kind.
using training_cloud = std::array<phase_cloud, phase_kind_count>;

/// Share of the training rows that are within a cloud's limit.
inline constexpr double cloud_share = 0.999;

/// Fits the clouds of the standardised rows of all ranks; the same bits however the rows are shared out. Collective.
training_cloud fit_cloud(const boost::mpi::communicator& comm, const dataset& rows);

}  // namespace spikesweep
