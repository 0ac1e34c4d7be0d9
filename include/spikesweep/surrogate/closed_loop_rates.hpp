#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <boost/mpi/communicator.hpp>

#include <spikesweep/learning/training_data.hpp>

namespace spikesweep {

/// How long closed loops are followed for their rates.
struct loop_settings {
  double seconds = 8;  ///< At each point, shared by its chains, after a burn-in [s].
  int chains = 4;      ///< Side by side at each point.
  std::uint64_t seed = 1;
};

/// Rates of a model in closed loop, relative to what the sweep measured.
struct rate_ratios {
  double E = 0;
  double I = 0;
};

/// Runs a model in closed loop at some points, which are shared out over the ranks. One entry a point, on every rank:
/// the rates over those of the exact network. Collective.
std::vector<rate_ratios> closed_loop_rates(const boost::mpi::communicator& comm, const model& m,
                                           std::span<const measured_point> points, const loop_settings& settings);

}  // namespace spikesweep
