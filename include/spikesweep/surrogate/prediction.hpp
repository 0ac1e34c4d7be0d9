#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <spikesweep/network/figures.hpp>
#include <spikesweep/parallel/communicator.hpp>
#include <spikesweep/surrogate/kernel.hpp>

namespace spikesweep {

/// How many points are predicted at once.
struct prediction_settings {
  trajectory_settings run;  ///< Of each replicate; raster_s counts for the first one only.
  int replicates = 1;       ///< Independent runs at each point.
  bool hybrid = false;      ///< run_hybrid instead of the surrogate alone.
  precision numbers = precision::fp32;
  bool keep_samples = false;  ///< Keep spectra, phases and rasters as well as figures.
};

/// What the surrogate says at one point.
struct point_prediction {
  std::vector<double> values;  ///< Axis values.
  double distance = 0;         ///< distance_to_training
  run_figures figures;         ///< Over all replicates together.
  run_figures spread;          ///< Standard deviation of each figure over the replicates; NaN of one.
  // Of keep_samples:
  std::vector<double> power;         ///< Spectrum of the E rate [Hz^2/Hz].
  std::vector<double> sizes;         ///< Spikes of the phases that are not quiet, one replicate after another.
  std::vector<double> intervals;     ///< From the start of each to the next one's [s]; NaN for a replicate's last.
  std::vector<int> replicate;        ///< Of each phase.
  std::vector<spike_record> raster;  ///< Of the first replicate.
};

/// Runs the surrogate at all points, the chains of many of them side by side, the points shared out over the ranks.
/// Replicate r of a point uses stream (seed, surrogate, 0, r), so a point's figures are those of that many chains at it
/// alone, to the bit, whatever the other points and the rank count. Rank 0 returns all results in the order given,
/// other ranks an empty list. `progress` is called on each rank with its points done and its share. Throws input_error
/// if a value is not allowed, interrupted_error on all ranks after a signal at any (see interrupt_guard). Collective.
std::vector<point_prediction> predict_points(const communicator& comm, const model& m,
                                             const std::vector<std::vector<double>>& points,
                                             const prediction_settings& settings,
                                             const std::function<void(int, int)>& progress = {});

/// Writes figures, spectra, phases, return map and rasters under a temporary name and renames the file into place.
/// Throws environment_error.
void save_prediction(const std::filesystem::path& path, const std::vector<point_prediction>& points,
                     const prediction_settings& settings, const model& m, const std::string& model_file);

}  // namespace spikesweep
