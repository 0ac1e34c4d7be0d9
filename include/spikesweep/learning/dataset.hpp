#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <boost/mpi/communicator.hpp>

#include <spikesweep/learning/features.hpp>
#include <spikesweep/learning/shard_plan.hpp>

namespace spikesweep {

/// Transitions of a sweep, ready for training: row i of every member is one transition.
struct dataset {
  std::int64_t first = 0;  ///< Number of row 0 in the global order.
  std::int64_t rows = 0;
  int features = 0;
  std::vector<float> inputs;         ///< rows x features, raw until standardise()
  std::vector<std::int32_t> counts;  ///< rows x count_dims
  std::vector<double> duration;      ///< [s]
  std::vector<std::uint8_t> phase;   ///< phase_kind
  std::vector<float> profile;        ///< rows x target_map::profile_size(): counts per cell and time bin
};

/// Appends every row of a block; `p` and `axis_values` are of the block's point.
void append(dataset& data, const feature_map& features, const transition_layout& layout, const parameters& p,
            std::span<const double> axis_values, const transition_block& block);

/// Measures means, deviations and extremes over the training rows of all ranks and sets them in both maps. Sums
/// are taken shard by shard, so that they are the same for every rank count. Collective.
void fit_statistics(const boost::mpi::communicator& comm, const dataset& data, const shard_plan& plan,
                    feature_map& features, target_map& targets);

/// Standardises the inputs in place, once.
void standardise(dataset& data, const feature_map& features);

}  // namespace spikesweep
