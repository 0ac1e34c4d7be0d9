#pragma once

#include <cstdint>

namespace spikesweep {

/// The global order of training rows, cut into equal contiguous shards. Each rank owns a contiguous range of shards,
/// and a batch takes equally many rows from every shard: so the batches are the same whatever the rank count, while
/// each rank reads its own rows only.
struct shard_plan {
  std::int64_t rows = 0;
  int shards = 1;
  /// learning.slices: above 1, parts of a batch whose gradients are computed apart and summed exactly. With 1, ranks
  /// agree to rounding only, which a training of thousands of steps lets grow to 0.2 % of the loss.
  int wanted_slices = 1;

  std::int64_t begin(int shard) const { return rows * shard / shards; }
  std::int64_t size(int shard) const { return begin(shard + 1) - begin(shard); }
  std::int64_t largest() const;
  /// Whether gradients are summed so that ranks up to the wanted slices train to the same bits.
  bool exact() const { return wanted_slices > 1; }
  /// Slices of a batch: ranges of shards whose gradients are computed apart, on one rank each. One a rank, unless
  /// exact: then as many equal ones as wanted, more for more ranks.
  int slices(int ranks) const;
  /// First shard of a rank, the first of a slice; first_of(ranks) is the number of shards.
  int first_of(int rank, int ranks) const;
};

}  // namespace spikesweep
