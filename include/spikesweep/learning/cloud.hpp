#pragma once

#include <array>
#include <span>
#include <vector>

#include <spikesweep/network/parameters.hpp>
#include <spikesweep/network/transition.hpp>

namespace spikesweep {

/// Describes a state by few numbers: for each population the lowest cosine modes of the square roots of the shares of
/// neurons in its cells, then the logarithms of the pending counts. Higher modes are left out, because single neurons
/// in cells that are rarely occupied are noise.
class state_outline {
 public:
  explicit state_outline(const state_layout& layout);

  std::size_t size() const { return 2 * modes_ + pool_count; }
  /// Writes the size() numbers of a state to `out`. `p` holds the parameters of the state's point.
  void of(const parameters& p, state_view state, std::span<double> out) const;

 private:
  state_layout layout_;
  std::size_t modes_;
  std::vector<double> cosines_;  ///< modes x cells
};

/// The region of the outlines of the states that the exact network went through at the training points, before phases
/// of one kind. Perturbed states are not in it: the surrogate knows them from training, but it should not stay there. A
/// distance from the cloud is a Mahalanobis distance divided by the square root of size(), so a typical state has
/// distance 1.
struct phase_cloud {
  std::vector<double> mean;
  std::vector<double> whitening;  ///< Inverse of the lower Cholesky factor of the covariance, row-major and square.
  double limit = 0;               ///< The share cloud_share of the states is within this distance.

  /// Whether training data had no such phase.
  bool empty() const { return mean.empty(); }
  /// The distance of an outline from the cloud, which must not be empty.
  double distance(std::span<const double> outline) const;
};

/// One cloud for each phase_kind.
using training_cloud = std::array<phase_cloud, phase_kind_count>;

/// The limit of a cloud is the distance that this share of its states does not exceed.
inline constexpr double cloud_share = 0.999;

/// Collects states and fits their clouds.
class cloud_fit {
 public:
  /// add() takes at most about this many rows of a block, evenly spread.
  static constexpr std::int64_t most_rows = 64;

  explicit cloud_fit(const state_layout& layout) : outline_(layout) {}

  /// Adds the states before those transitions of a block that follow no perturbation. `p` holds the parameters of the
  /// block's point.
  void add(const parameters& p, const transition_block& block);
  training_cloud fit() const;

 private:
  state_outline outline_;
  std::array<std::vector<double>, phase_kind_count> outlines_;  ///< States x numbers.
};

}  // namespace spikesweep
