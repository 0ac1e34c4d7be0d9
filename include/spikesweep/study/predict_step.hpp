#pragma once

#include <string>
#include <vector>

#include <spikesweep/parallel/rank_context.hpp>
#include <spikesweep/surrogate/prediction.hpp>

namespace spikesweep {

/// What somebody wants to have predicted.
struct predict_request {
  std::string model;                   ///< Model file.
  std::vector<std::string> overrides;  ///< KEY=VALUE of swept parameters. Other axes stay in the middle of their range.
  std::string points;                  ///< CSV file of points; empty: none.
  int design = 0;                      ///< Points of a Sobol design over the trained range; 0: none.
  bool extrapolate = false;            ///< Also outside the trained range.
  bool emulator = false;               ///< Ask the regressions of the figures, and run nothing.
  prediction_settings settings;
  std::string output;  ///< File for the results; empty: none.

  /// Many points: a list of results. Otherwise the point of the overrides alone.
  bool many() const { return !points.empty() || design > 0; }
};

/// The axis values of all points that a request means. Warns about points outside the trained range if the request
/// extrapolates. Throws input_error with file, line and column for a point that is not allowed, and for an override of
/// a parameter that is no axis of the model. Rank-local; reads the file of points once, so that it may be a pipe.
std::vector<std::vector<double>> requested_points(const model& m, const predict_request& request);

/// Predicts, saves to the output of the request, and warns if the surrogate departs from its training states. Many
/// points are shared out over the ranks; then it is collective, rank 0 gets the results, and the others get an empty
/// list. One point is predicted on the calling rank, and MPI is not needed. The output holds figures of many points,
/// and the spikes of the first replicate of one point. Throws as predictor::predict and save_prediction.
std::vector<point_prediction> predict(const rank_context& job, const model& m, const predict_request& request);

/// What the regressions of the figures say at one point.
struct emulated_point {
  std::vector<double> values;  ///< Axis values.
  double distance = 0;         ///< distance_to_training
  double nearest = 0;          ///< distance_to_nearest_point
  run_figures figures;         ///< Undefined without a regression.
  run_figures errors;          ///< Their standard errors.
};

/// Asks the regressions at all points of a request, and says which figures have none. Throws input_error if the model
/// has no regression at all. Rank-local.
std::vector<emulated_point> emulate_points(const model& m, const predict_request& request);

}  // namespace spikesweep
