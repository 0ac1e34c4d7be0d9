#pragma once

#include <cstdint>

#include <spikesweep/learning/settings.hpp>

namespace spikesweep {

/// The global order of training rows, cut into contiguous shards of equal size. Each rank owns a contiguous range of
/// shards, and a batch takes equally many rows from every shard. So the batches are the same for every number of ranks,
/// although each rank reads its own rows only.
struct shard_plan {
  std::int64_t rows = 0;
  int shards = 1;
  /// learning.slices. Above 1 it is the number of parts of a batch whose gradients are computed apart and summed
  /// exactly. With 1 the result depends on the number of ranks through rounding, which grows to 0.2 % of the loss over
  /// thousands of steps.
  int wanted_slices = 1;

  std::int64_t begin(int shard) const { return rows * shard / shards; }
  std::int64_t size(int shard) const { return begin(shard + 1) - begin(shard); }
  std::int64_t largest() const;
  /// Whether any number of ranks up to wanted_slices trains to the same bits.
  bool exact() const { return wanted_slices > 1; }
  /// The number of slices of a batch. A slice is a range of shards; one rank computes its gradient. If sums are exact,
  /// there are wanted_slices slices, or more for more ranks; otherwise each rank has one slice.
  int slices(int ranks) const;
  /// The first shard of a rank, where a slice begins; first_of(ranks, ranks) is the number of shards.
  int first_of(int rank, int ranks) const;
};

/// Throws input_error if so many rows cannot be cut into settings.shards parts, or if there are more ranks than parts.
void check_shards(std::int64_t rows, int ranks, const learning_settings& settings);

}  // namespace spikesweep
