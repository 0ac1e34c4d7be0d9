#pragma once

#include <iosfwd>

#include <spikesweep/learning/model.hpp>

namespace spikesweep {

/// Prints the epochs that were tried in closed loop, one row per epoch, and marks the chosen one.
void print_training(const model& m, std::ostream& out);

}  // namespace spikesweep
