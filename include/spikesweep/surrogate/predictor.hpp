#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include <spikesweep/network/figures.hpp>
#include <spikesweep/surrogate/closed_loop.hpp>
#include <spikesweep/surrogate/departure.hpp>
#include <spikesweep/surrogate/kernel.hpp>

namespace spikesweep {

/// A point at which a model runs in closed loop. Replicate r there uses the random stream (seed, surrogate, id, r).
struct loop_point {
  std::vector<double> values;  ///< Axis values.
  std::uint32_t id = 0;
};

/// How a predictor runs a model.
struct loop_settings {
  trajectory_settings run;  ///< Of each replicate.
  int replicates = 1;       ///< Independent runs at each point.
  std::uint64_t seed = 0;
  std::size_t member = 0;  ///< Which member of an ensemble runs.
  bool hybrid = false;     ///< run_hybrid() instead of the law alone.
  precision numbers = precision::fp32;
  bool watch = false;    ///< Also look how far the states are from the training states.
  stop_check stop = {};  ///< Ends the run early.
};

/// What ran at one point.
struct point_runs {
  parameters network;
  std::vector<trajectory> replicates;
  departure seen;  ///< Over all replicates; empty without loop_settings::watch.
};

/// How many replicates are predicted, and what is kept of them.
struct prediction_settings {
  trajectory_settings run;  ///< Of each replicate; raster_s counts for the first one only.
  int replicates = 1;       ///< Independent runs at each point.
  bool hybrid = false;      ///< run_hybrid() instead of the law alone.
  precision numbers = precision::fp32;
  std::optional<std::uint64_t> seed = {};      ///< None: the seed of the surrogate.
  frequency_band peak_band = usual_peak_band;  ///< Where the spectral peak is sought.
  bool spread = true;                          ///< Also tell how the figures vary over the replicates.
  bool keep_samples = false;                   ///< Keep spectra, phases and rasters as well as figures.
  stop_check stop = {};                        ///< Ends the prediction early.
};

/// What one member of an ensemble says, or how far members disagree.
struct member_rates {
  std::uint64_t seed = 0;
  double rate_E_hz = 0;
  double rate_I_hz = 0;
};

/// What the surrogate says at one point.
struct point_prediction {
  std::vector<double> values;         ///< Axis values.
  double distance = 0;                ///< distance_to_training
  double nearest = 0;                 ///< distance_to_nearest_point
  run_figures figures;                ///< Over all replicates together.
  run_figures errors;                 ///< Their standard errors; see standard_errors_of().
  run_figures spread;                 ///< Standard deviation of each figure over the replicates; undefined for one.
  departure seen;                     ///< Of the states of all replicates.
  std::vector<member_rates> members;  ///< Of every member, the surrogate first.
  double wall_s = 0;                  ///< Wall time of the surrogate's runs; points that ran side by side share it.
  // Of keep_samples:
  std::vector<double> power;         ///< Spectrum of the E rate [Hz^2/Hz].
  std::vector<double> sizes;         ///< Spikes of the phases that are not quiet, one replicate after another.
  std::vector<double> intervals;     ///< From the start of each to the next one's [s]; NaN for a replicate's last.
  std::vector<int> replicate;        ///< Of each phase.
  std::vector<spike_record> raster;  ///< Of the first replicate.

  /// Forgets what keep_samples keeps, and gives its memory back.
  void drop_samples();

  /// Standard deviations of the rates over the members; NaN for one member. The seed means nothing.
  member_rates disagreement() const;
};

/// Runs a model in closed loop: built once, called with any points and settings, as often as one likes, from any thread
/// and from several at once. It keeps weights and products as they are prepared for the next call. No function is
/// collective, none knows of MPI.
///
/// The bits of a point depend on the model, the seed, the point's values and id, and the replicate. They depend neither
/// on the other points of a call nor on earlier calls nor on the thread.
class predictor {
 public:
  /// Of all members of a model. Keeps references to the model, which must not change meanwhile.
  explicit predictor(const model& m);
  /// Of one member alone, which is then member 0. Keeps references to the model and the member.
  explicit predictor(const member_view& member);
  ~predictor();
  predictor(const predictor&) = delete;
  predictor& operator=(const predictor&) = delete;

  /// The model that it runs.
  const model& of() const;

  /// Runs all replicates at all points side by side; memory grows with their number. One entry a point. Throws
  /// input_error if a value is not allowed, for a hybrid run of a model of section `interval`, and for bf16 on a CPU
  /// without it, and interrupted_error if `stop` says so.
  std::vector<point_runs> run(std::span<const loop_point> points, const loop_settings& settings) const;

  /// Figures, departure from the training states, and the rates of every member. One entry a point. Throws as run().
  std::vector<point_prediction> predict(std::span<const loop_point> points, const prediction_settings& settings) const;

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace spikesweep
