#pragma once

#include <array>
#include <span>
#include <vector>

#include <spikesweep/network/parameters.hpp>
#include <spikesweep/network/transition.hpp>

namespace spikesweep {

/// A state in few numbers: the lowest cosine modes of the square roots of each population's shares in its cells, then
/// the logarithms of the pending counts. What single neurons do in cells that are rarely met is noise, and left out.
class state_outline {
 public:
  explicit state_outline(const state_layout& layout);

  std::size_t size() const { return 2 * modes_ + pool_count; }
  /// `p` is of the state's point; `out` holds size() numbers.
  void of(const parameters& p, state_view state, std::span<double> out) const;

 private:
  state_layout layout_;
  std::size_t modes_;
  std::vector<double> cosines_;  ///< modes x cells
};

/// Where the outlines lie of the states that the exact network itself went through at the training points, before
/// phases of one kind: perturbed states are known to the surrogate as well, but it should not stay there. Distances are
/// Mahalanobis's over the root of the number of numbers: a typical state is at 1.
struct phase_cloud {
  std::vector<double> mean;
  std::vector<double> whitening;  ///< Inverse of the lower Cholesky factor of the covariance, row-major and square.
  double limit = 0;               ///< Distance within which cloud_share of the states are.

  /// No such phase was met.
  bool empty() const { return mean.empty(); }
  /// Of an outline; the cloud must not be empty.
  double distance(std::span<const double> outline) const;
};

/// By phase_kind.
using training_cloud = std::array<phase_cloud, phase_kind_count>;

/// Share of the states that are within a cloud's limit.
inline constexpr double cloud_share = 0.999;

/// Fits the clouds of some states.
class cloud_fit {
 public:
  /// Most rows that add() takes of a block; of more, evenly spread ones.
  static constexpr std::int64_t most_rows = 64;

  explicit cloud_fit(const state_layout& layout) : outline_(layout) {}

  /// The states before the transitions of a block that follow no perturbation. `p` is of the block's point.
  void add(const parameters& p, const transition_block& block);
  training_cloud fit() const;

 private:
  state_outline outline_;
  std::array<std::vector<double>, phase_kind_count> outlines_;  ///< States x numbers.
};

}  // namespace spikesweep
