#pragma once

#include <array>
#include <span>
#include <vector>

#include <spikesweep/network/transition.hpp>
#include <spikesweep/parallel/communicator.hpp>

namespace spikesweep {

/// How the counts of the cells of a profile scatter together about their expected counts x. A neuron starts in a known
/// cell and moves a short way, so neighbouring cells exchange neurons: the count of one cell scatters almost like a
/// Poisson count, but the count of a wide range of potentials scatters far less. Without this scatter the sampled
/// histograms are too smooth, and the rhythm of the network fades. The spike counts of the parts of a phase scatter
/// too, and the same description holds for them.
struct cell_dispersion {
  /// Variance of each cell divided by x: E cells, I cells, E spike times, I spike times.
  std::vector<double> variance;
  std::vector<double> factor;  ///< Lower Cholesky factor of the cells' correlations, row-major, cells x cells.

  std::size_t cells() const { return variance.size(); }
};

/// One dispersion for each phase_kind. It is empty, and adds no scatter, for a kind that training data do not have.
using profile_dispersion = std::array<cell_dispersion, phase_kind_count>;

/// Fits dispersions to transitions. The bits of the result depend on the order of the transitions, rank by rank, and
/// not on how many ranks share them.
class dispersion_fit {
 public:
  /// `transitions`: how many will be added.
  dispersion_fit(std::size_t cells, std::size_t transitions);

  /// Adds one transition by the expected and the true counts of all cells of its profile. `counts` has to live until
  /// fit() is called.
  void add(phase_kind phase, std::span<const double> expected, std::span<const float> counts);
  /// The dispersions over the transitions of all ranks. Collective.
  profile_dispersion fit(const communicator& comm) const;

 private:
  std::size_t cells_;
  std::vector<phase_kind> phases_;    ///< Of each transition.
  std::vector<double> expected_;      ///< transitions x cells
  std::vector<const float*> counts_;  ///< transitions: cells
};

}  // namespace spikesweep
