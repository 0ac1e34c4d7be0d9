#pragma once

#include <spikesweep/learning/settings.hpp>
#include <spikesweep/store/sweep_file.hpp>

namespace spikesweep {

/// Throws input_error if training would refuse what this sweep will have when every task is done: more ranks than
/// `learning.shards`, too few rows, or a buffer that does not hold two batches. So a run does not find it out after
/// hours of simulation.
void check_training(const learning_settings& settings, const sweep_description& d, int ranks);

}  // namespace spikesweep
