#pragma once

#include <string>

#include <spikesweep/learning/model.hpp>

namespace spikesweep {

/// Throws input_error unless the training rows held every kind of phase that the model's section has: the law of a kind
/// that was never met is unknown.
void check_phases_met(const model& m);

/// Throws input_error, with the place in the file, unless a closed loop can calculate with every number of the model:
/// all are finite, deviations and sizes are above 0, and start states are states. The sizes have to fit already.
void check_numbers(const model& m, const std::string& file);

}  // namespace spikesweep
