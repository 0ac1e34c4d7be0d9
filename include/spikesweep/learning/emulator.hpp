#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <Eigen/Core>

#include <spikesweep/learning/gaussian_process.hpp>
#include <spikesweep/network/figures.hpp>
#include <spikesweep/parallel/communicator.hpp>
#include <spikesweep/store/hdf5.hpp>
#include <spikesweep/store/sweep_file.hpp>

namespace spikesweep {

/// A figure as a sweep measured it, and the regression of it over the axes.
struct emulated_figure {
  std::string name;            ///< A row of figure_table().
  bool in_logarithms = false;  ///< The regression is of the natural logarithm of the figure.
  /// One for each point of the emulator, in the unit of the figure; NaN where the sweep has no value.
  std::vector<double> values;
  std::vector<double> standard_errors;  ///< NaN also where the tasks are too short to tell it.
  std::optional<process_law> law;       ///< None: the figure has no regression.
  std::string reason;                   ///< Why it has none; empty if it has one.

  /// The points that have a value, and what the regression is fitted to there: the figure, or its logarithm.
  measured_figure measured(const Eigen::MatrixXd& points) const;
};

/// Regressions of the figures themselves: what somebody who wants figures and no network would fit to a sweep.
struct emulator {
  Eigen::MatrixXd points;  ///< points x axes, in the units of the axes
  Eigen::VectorXd lower;   ///< Of the box of the design, one for each axis.
  Eigen::VectorXd upper;
  std::vector<emulated_figure> figures;  ///< Of predicted_figures(); none in models of older versions.

  /// Whether any figure has a regression.
  bool usable() const;
};

/// Regressions are fitted at no more than this many points. If there are more, evenly spread ones are taken: the time
/// grows with the third power of their number.
inline constexpr std::size_t most_emulated_points = 1000;

/// The figures of the finished tasks at the training points of a sweep, without regressions. At a point with several
/// replicates it is their mean. Rank-local. A sweep of an older version keeps no figures, and so the rates alone have
/// values; one without axes has no emulator.
emulator measure_figures(const sweep_reader& sweep);

/// Fits the regressions; the ranks share the figures. Figures that are positive everywhere and are compared by ratios
/// are fitted in logarithms. A figure that cannot be fitted, because fewer than two different points have a value, has
/// the reason instead. The bits depend on the values and on the kind of processor alone. Throws interrupted_error on
/// all ranks if `stop` says so on one. Collective.
void fit_emulator(const communicator& comm, emulator& to, const std::function<bool()>& stop = {});

/// The figures at any points (points x axes), and their standard errors; undefined are those that have no regression.
/// The error of a figure in logarithms is the figure times the error of its logarithm. Rank-local.
struct emulation {
  std::vector<run_figures> figures;
  std::vector<run_figures> errors;
};
emulation emulate(const emulator& by, const Eigen::MatrixXd& points);

/// In model files: the group `emulator`.
void write_emulator(hdf5::group& root, const emulator& e, const std::vector<std::string>& axes);
/// Empty if the file has none. Throws input_error if its parts do not fit together.
emulator read_emulator(const hdf5::group& root, std::size_t axes);

}  // namespace spikesweep
