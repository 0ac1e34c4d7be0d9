#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include <Eigen/Core>

#include <spikesweep/learning/model.hpp>
#include <spikesweep/network/figures.hpp>
#include <spikesweep/parallel/communicator.hpp>
#include <spikesweep/store/hdf5.hpp>
#include <spikesweep/surrogate/settings.hpp>

namespace spikesweep {

/// Most axes that are mapped: more pairs cannot be read.
inline constexpr std::size_t most_mapped_axes = 5;

/// Places in the box of the axes that differ in one axis or in two; the others have the middle of their ranges.
struct mapped_plane {
  std::vector<std::size_t> axes;                 ///< One, or two in the order of the model.
  std::vector<std::vector<double>> coordinates;  ///< Values of each of these axes, from the lower end to the upper.

  std::size_t places() const;
  /// The values of all axes at a place; the last of `axes` runs fastest.
  std::vector<double> at(const transition_space& space, std::size_t place) const;
};

/// The planes of a model: one for every pair of its axes, or a line if there is one axis; none if no axis varies. Of
/// more than most_mapped_axes axes, those along which the regression of the E rate varies most. `places`: of each axis;
/// fewer where an axis takes fewer values.
std::vector<mapped_plane> planes_of(const model& m, int places);

/// Figures of a surrogate over its planes.
struct surrogate_maps {
  figure_list figures;                  ///< predicted_figures()
  std::vector<mapped_plane> planes;     ///< None: nothing was mapped.
  std::vector<Eigen::MatrixXd> values;  ///< Of each plane: places x figures; NaN where a figure is undefined.
};

/// Runs the surrogate at each place of each plane for validation_settings::map_s; the ranks share the places. The same
/// on every rank, at any rank count. Collective. Throws interrupted_error, on every rank, if `stop` said so on rank 0.
surrogate_maps map_surrogate(const communicator& comm, const model& m, const validation_settings& settings,
                             const std::function<bool()>& stop = {});

/// What map_surrogate simulates: the sum over all chains [s].
double map_time_s(const std::vector<mapped_plane>& planes, const validation_settings& settings);

/// In validation files: the group `maps`, with a group for each plane that is named after its axes (`S_EE,S_IE`).
void write_maps(hdf5::group& root, const surrogate_maps& maps, const transition_space& space);

}  // namespace spikesweep
