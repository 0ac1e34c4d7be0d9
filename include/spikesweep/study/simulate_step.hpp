#pragma once

#include <cstdint>
#include <vector>

#include <spikesweep/network/figures.hpp>
#include <spikesweep/network/trajectory.hpp>
#include <spikesweep/parallel/rank_context.hpp>
#include <spikesweep/study/config.hpp>

namespace spikesweep {

/// What one or more replicates of a network showed.
struct simulation_result {
  run_figures figures;           ///< Over all replicates together.
  run_figures errors;            ///< Their standard errors; see standard_errors_of().
  std::vector<trajectory> runs;  ///< The replicates, with their spikes.
  std::int64_t events = 0;       ///< Of all replicates, burn-in included.
  double wall_s = 0;
};

/// Simulates the network of a config for `duration` seconds after its burn-in. One replicate runs in the plain
/// simulator. Several run in the simulator of sweeps: side by side in lockstep where the model and the simulator allow
/// it. Spectral peaks are sought within `band`. Rank-local; draws progress on rank 0. Throws environment_error if a
/// network passes sweep.max_pending kicks.
simulation_result simulate_network(const rank_context& job, const configuration& config, double duration,
                                   int replicates, const frequency_band& band);

}  // namespace spikesweep
