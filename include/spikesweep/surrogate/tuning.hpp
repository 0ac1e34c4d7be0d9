#pragma once

#include <functional>
#include <vector>

#include <Eigen/Core>

#include <spikesweep/learning/emulator.hpp>
#include <spikesweep/learning/input_shift.hpp>
#include <spikesweep/learning/model.hpp>
#include <spikesweep/network/figures.hpp>
#include <spikesweep/parallel/communicator.hpp>

namespace spikesweep {

/// What a surrogate is tuned to: the figures that the sweep measured at some points, and how they change from point to
/// point by the regressions of the figures themselves. The shift is smooth, so the measured values need not be: a
/// smoothed value would carry the errors of the regression into the surrogate.
struct tuning_target {
  figure_list figures;
  std::vector<std::vector<double>> points;  ///< Axis values of each point.
  /// points x figures, as a tuned number (see tuned_number()); NaN where the sweep has no value.
  Eigen::MatrixXd wanted;
  /// points x figures: how far a wanted number may be off by chance: one standard deviation. Not a number where it is
  /// unknown. Empty: unknown everywhere.
  Eigen::MatrixXd uncertain;
  std::vector<Eigen::MatrixXd> slopes;  ///< Of each figure: points x axes, by the scaled axes (scaled_axes()).
};

/// Whether ratios of a figure count, and not differences.
bool tuned_as_ratio(const figure& f);

/// The number that tuning compares: the logarithm of a figure whose ratios count, and another figure itself. NaN where
/// it is undefined.
double tuned_number(const figure& f, double value);

/// Of the figures that have `figure::tuned` and a regression, at the points of the emulator.
tuning_target target_of(const transition_space& space, const emulator& e);

/// How far a figure of the surrogate is from the target, root mean square over the points [figure::error_unit()].
struct tuning_record {
  std::reference_wrapper<const figure> of;
  double before = 0;
  double after = 0;
};

/// Figures of a surrogate with a shift: points x figures of a target; NaN where one is undefined.
using measure_figures_of = std::function<Eigen::MatrixXd(const input_shift&)>;

/// Finds the input shift with which a surrogate has the figures of a target.
///
/// Gauss-Newton on the differences of tuned numbers, damped as Levenberg and Marquardt do it: a step that makes things
/// worse is taken back, and the next one is shorter. The slopes of the figures in the axes are those of the target; the
/// slopes in the noise are measured. The shift of each axis is a polynomial of the axes, of the degree (at most 3) that
/// generalised cross-validation prefers, the smallest one (in the sense of a ridge) among those that fit alike;
/// the logarithm of the scale of the noise is a polynomial of at most degree 2. Few coefficients beside many points: what
/// a point's measurement happened to be averages out, and nothing is learnt of any one point. Each error counts in
/// units of its uncertainty, to which belongs what no such shift can mend; where it is unknown, of the figure's typical
/// error. Of the shifts that were tried the best one is kept; it is empty if none was better than no shift, or the
/// points of every figure are fewer than three a coefficient of a linear fit (then nothing is measured either). One
/// record for each figure that was tuned.
std::vector<tuning_record> fit_shift(const transition_space& space, const tuning_target& target,
                                     const measure_figures_of& measure, input_shift& shift);

/// Tunes a trained model to the figures that its emulator holds, with `seconds` of closed loop at each of its points in
/// every round [s]. The law itself stays as it is, and held-out points are not looked at. `stop`, if there is one, is
/// asked now and then on rank 0. Collective; the same on every rank. Throws interrupted_error, on every rank, if `stop`
/// said so.
std::vector<tuning_record> tune_figures(const communicator& comm, double seconds, const std::function<bool()>& stop,
                                        model& m);

/// What tune_figures simulates in closed loop at so many training points if no round is left out: the sum over all
/// chains [s]. 0 if the points are too few for the axes.
double tuning_time_s(std::size_t axes, std::size_t points, double seconds);

}  // namespace spikesweep
