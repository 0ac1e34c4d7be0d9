#pragma once

#include <array>
#include <span>
#include <vector>

#include <spikesweep/network/transition.hpp>
#include <spikesweep/parallel/communicator.hpp>

namespace spikesweep {

/// How the cells of a profile scatter about their expected counts x, together. A neuron comes from a known cell and
/// moves a short way, so neighbouring cells trade neurons: one cell alone scatters almost like a Poisson count, a wide
/// range of potentials far less. Sampled without it the histogram is too smooth, and the rhythm of the network fades.
/// The parts of a phase in which spikes are counted scatter too, and are treated alike.
struct cell_dispersion {
  std::vector<double> variance;  ///< Of each cell over x: E cells, I cells, E spike times, I spike times.
  std::vector<double> factor;    ///< Lower Cholesky factor of the cells' correlations, row-major, cells x cells.

  std::size_t cells() const { return variance.size(); }
};

/// By phase_kind; a kind that was not met is empty and scatters nothing.
using profile_dispersion = std::array<cell_dispersion, phase_kind_count>;

/// Sums from which dispersions are fitted.
class dispersion_fit {
 public:
  explicit dispersion_fit(std::size_t cells);

  /// One transition: expected and true counts of every cell of its profile.
  void add(phase_kind phase, std::span<const double> expected, std::span<const float> counts);
  /// Over the transitions of all ranks. Collective.
  profile_dispersion fit(const communicator& comm) const;

 private:
  struct sums {
    std::vector<double> squares;   ///< cells: (n - x)^2
    std::vector<double> expected;  ///< cells: x
    std::vector<double> products;  ///< cells x cells: of (n - x) / sqrt(x)
  };
  std::size_t cells_;
  std::array<sums, phase_kind_count> sums_;
};

}  // namespace spikesweep
