#pragma once

#include <functional>
#include <vector>

#include <spikesweep/learning/training_data.hpp>
#include <spikesweep/parallel/communicator.hpp>
#include <spikesweep/surrogate/closed_loop_rates.hpp>

namespace spikesweep {

/// Relative errors of rates over the points that a model was tuned at, root mean squares; NaN of a population that was
/// not tuned.
struct tuning_record {
  double before_E = 0;
  double before_I = 0;
  double after_E = 0;
  double after_I = 0;
};

/// Rates of a surrogate with a shift, over the exact ones; one entry a point.
using measure_rates = std::function<std::vector<rate_ratios>(const input_shift&)>;

/// Finds the input shift for which a surrogate's rates at some points are those that the sweep measured there.
///
/// Gauss-Newton on the logarithms of both rates. The slope of a rate in the axes is that of a polynomial fitted to the
/// exact rates of the points; the shift is a polynomial of the axes as well, of the degree (at most 3) that generalised
/// cross-validation prefers, the smallest one (in the sense of a ridge) among those that fit alike. Few coefficients
/// beside many points: the noise of a point's rates averages out, and nothing is learnt of any one point. Of the shifts
/// that were tried the best one is kept; it is empty if none was better than no shift, or the points are fewer than
/// three a coefficient of a linear fit (then nothing is measured either). A point counts for the populations that fire
/// there, and a population that fires at too few points is not tuned.
tuning_record fit_shift(const transition_space& space, const std::vector<measured_point>& points,
                        const measure_rates& measure, input_shift& shift);

/// Tunes a trained model at training points, with `seconds` of closed loop at each of them in every round [s]. The law
/// itself stays as it is, and held-out points are not looked at. `stop`, if there is one, is asked now and then on rank
/// 0. Collective; the same on every rank. Throws interrupted_error, on every rank, if `stop` said so.
tuning_record tune_rates(const communicator& comm, const std::vector<measured_point>& points, double seconds,
                         const std::function<bool()>& stop, model& m);

/// What tune_rates simulates in closed loop if no round is left out: the sum over all chains [s]. 0 if the points are
/// too few for the axes.
double tuning_time_s(std::size_t axes, std::size_t points, double seconds);

}  // namespace spikesweep
