#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include <Eigen/Core>

#include <spikesweep/learning/training_data.hpp>
#include <spikesweep/network/figures.hpp>
#include <spikesweep/parallel/communicator.hpp>
#include <spikesweep/surrogate/predictor.hpp>

namespace spikesweep {

/// How long closed loops are followed for their figures.
struct rate_settings {
  double seconds = 8;  ///< At each point, shared by its chains, after a burn-in [s].
  int chains = 4;      ///< Side by side at each point.
  std::uint64_t seed = 1;
  std::size_t member = 0;                      ///< Which member of an ensemble runs.
  frequency_band peak_band = usual_peak_band;  ///< Where the spectral peak is sought.
};

/// What closed_loop_rates simulates at so many points, burn-in included: the sum over all chains [s].
double loop_time_s(std::size_t points, const rate_settings& settings);

/// Rates in closed loop: points x chains [Hz].
struct loop_rates {
  Eigen::MatrixXd E;
  Eigen::MatrixXd I;
};

/// Runs a model in closed loop at some points, which are shared out over the ranks; every rank gets the rates at all of
/// them, the same for any number of ranks. `stop`, if there is one, is asked now and then on rank 0. Collective. Throws
/// interrupted_error, on every rank, if it said so.
loop_rates closed_loop_rates(const communicator& comm, const predictor& law, std::span<const loop_point> points,
                             const rate_settings& settings, const std::function<bool()>& stop = {});

/// The same, but figures: points x figures; NaN where a figure is undefined. All chains of a point count as one run.
Eigen::MatrixXd closed_loop_figures(const communicator& comm, const predictor& law, std::span<const loop_point> points,
                                    const figure_list& figures, const rate_settings& settings,
                                    const std::function<bool()>& stop = {});

/// Rates over those that the sweep measured; where a population was silent, 1 if it is so here, too.
struct rate_ratios {
  double E = 0;
  double I = 0;
};

/// The same at measured points, over all chains of each. One entry a point.
std::vector<rate_ratios> closed_loop_ratios(const communicator& comm, const predictor& law,
                                            std::span<const measured_point> points, const rate_settings& settings,
                                            const std::function<bool()>& stop = {});

}  // namespace spikesweep
