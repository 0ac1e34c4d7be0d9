#pragma once

#include <cstdint>

namespace spikesweep {

/// The global order of training rows, cut into equal contiguous shards. Each rank owns a contiguous range of shards,
/// and a batch takes equally many rows from every shard: so the batches are the same whatever the rank count, while
/// each rank reads its own rows only.
struct shard_plan {
  std::int64_t rows = 0;
  int shards = 1;

  std::int64_t begin(int shard) const { return rows * shard / shards; }
  std::int64_t size(int shard) const { return begin(shard + 1) - begin(shard); }
  std::int64_t largest() const;
  /// Slices of a batch: equal ranges of shards whose gradients are computed apart, on one rank each. The same four for
  /// up to four ranks, so that those train to the same bits; more for more ranks.
  int slices(int ranks) const;
  /// First shard of a rank, a multiple of the shards of a slice; first_of(ranks) is the number of shards.
  int first_of(int rank, int ranks) const;
};

}  // namespace spikesweep
