#pragma once

#include <cstdint>
#include <vector>

#include <spikesweep/network/figures.hpp>
#include <spikesweep/parallel/rank_context.hpp>
#include <spikesweep/study/config.hpp>

namespace spikesweep {

/// What one or more replicates of a network showed.
struct simulation_result {
  std::vector<run_figures> each;        ///< Of each replicate.
  std::vector<spike_record> spikes;     ///< One replicate after the other.
  std::vector<std::int32_t> replicate;  ///< Of each spike.
  std::int64_t events = 0;              ///< Of all replicates, burn-in included.
  double wall_s = 0;
};

/// Simulates the network of a config for `duration` seconds after its burn-in. One replicate runs in the plain
/// simulator. Several run in the simulator of sweeps: side by side in lockstep where the model and the simulator allow
/// it. Rank-local; draws progress on rank 0. Throws environment_error if a network passes sweep.max_pending kicks.
simulation_result simulate_network(const rank_context& job, const configuration& config, double duration,
                                   int replicates);

}  // namespace spikesweep
