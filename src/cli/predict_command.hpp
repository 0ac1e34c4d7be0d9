#pragma once

#include <functional>
#include <string>
#include <vector>

#include <spikesweep/learning/model.hpp>

#include "commands.hpp"

namespace spikesweep {

struct predict_arguments {
  std::string model;
  std::vector<std::string> overrides;
  std::string output;
  double duration_s = 0;
  bool json = false;
  bool extrapolate = false;
  bool hybrid = false;
  int chains = 1;
  precision numbers = precision::fp32;
  // Of many points:
  std::string points;  ///< CSV file; empty: none.
  int design = 0;      ///< Points of a Sobol design; 0: none.
  int replicates = 1;
  double raster_s = 1;  ///< Spikes to write of each point.
  bool csv = false;

  bool many() const { return !points.empty() || design > 0; }
};

/// Axis values of the network asked for: of the trained range's middle where --set says nothing. Throws input_error if
/// a parameter that the model does not know is changed.
std::vector<double> axis_values(const model& m, const predict_arguments& arguments);

/// Throws input_error, or warns where extrapolation is asked for, if a value is outside the trained range. `place`, if
/// any, goes before the message: the place of value `i` in the input.
void check_range(const model& m, const predict_arguments& arguments, const std::vector<double>& values,
                 const std::function<std::string(std::size_t i)>& place = {});

/// Many points: one row of figures each. Collective.
exit_code predict_many(const rank_context& job, const predict_arguments& arguments);

}  // namespace spikesweep
