#pragma once

#include <cstdint>
#include <span>

#include <spikesweep/base/setting.hpp>
#include <spikesweep/network/kept_runs.hpp>

namespace spikesweep {

/// Rounds of active sampling: points are added that tell most about what the members of an ensemble disagree on.
struct refine_settings {
  int rounds = 0;         ///< After each, the ensemble is trained anew.
  int points = 8;         ///< Picked in each round.
  int candidates = 256;   ///< Places that a round picks from.
  double duration_s = 8;  ///< Length of each member's closed loop at each candidate [s].
  int chains = 4;         ///< Runs side by side that share it; how they differ tells the noise. At least 2.

  bool operator==(const refine_settings&) const = default;
};

/// Every setting of refining: keys of [design].
std::span<const setting<refine_settings>> refine_table();

/// How a surrogate is compared with exact runs at the held-out test points.
struct validation_settings {
  double duration_s = 20;    ///< Length of each of the two exact runs at a point, and of the baselines' [s].
  int surrogate_times = 10;  ///< The surrogate's run is so many times as long.
  double burn_in_s = 0.5;    ///< Simulated before anything is measured [s].
  int chains = 8;            ///< Surrogate runs side by side that share their length.
  double verdict_s = 20;     ///< Verdicts are about runs of this length [s], or of duration_s if that is shorter.
  double bin_ms = 1;         ///< Bin of the counts of spikes that figures and spectra are made of [ms].
  double segment_s = usual_segment_s;                ///< Welch segment of the spectrum [s].
  double peak_lowest_hz = usual_peak_band.lowest;    ///< The spectral peak is sought from here [Hz]
  double peak_highest_hz = usual_peak_band.highest;  ///< to here [Hz].
  bool baselines = true;   ///< Also run mean transition, nearest neighbour and linear regression.
  double hybrid_s = 20;    ///< Length of a hybrid run at each point, sections mfe and volley; 0: none [s].
  double raster_s = 0.5;   ///< Stretch of spikes kept for rasters [s].
  int map_places = 12;     ///< The maps of the surrogate look at so many values of each axis; 0: no maps.
  double map_s = 4;        ///< Length of the surrogate's run at each place of a map [s].
  std::uint64_t seed = 1;  ///< Seed of the exact runs and of the surrogate's.

  bool operator==(const validation_settings&) const = default;

  double surrogate_s() const { return surrogate_times * duration_s; }  ///< Length of the surrogate's run [s].
  frequency_band peak_band() const { return {peak_lowest_hz, peak_highest_hz}; }
  /// How figures look at the runs.
  figure_settings look() const { return {bin_ms * 1e-3, segment_s, peak_band()}; }
};

/// Every setting of validation: the keys of [validation].
std::span<const setting<validation_settings>> validation_table();

}  // namespace spikesweep
