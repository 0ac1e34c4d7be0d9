#pragma once

#include <cstdint>
#include <string>

#include <spikesweep/learning/settings.hpp>
#include <spikesweep/learning/shard_plan.hpp>

namespace spikesweep {

/// How training rows are streamed where `learning.buffer_MiB` does not hold all of them. Each shard is cut into blocks
/// of consecutive rows. An epoch lays a shard's blocks out in random order, and cuts that row of blocks into chunks of
/// equally many rows, whose rows are shuffled. Two chunks are held at a time: one to train on, and the next, which is
/// read meanwhile. The order of rows is a function of this plan, the seed and the epoch alone.
struct chunk_plan {
  std::int64_t rows = 0;   ///< Of each shard in a chunk, whole steps' worth of them; 0: all rows are held.
  std::int64_t block = 0;  ///< Consecutive rows of a block; the last one of a shard may have less.

  bool streams() const { return rows > 0; }
  /// Chunks of an epoch; the same for every shard.
  std::int64_t chunks(const shard_plan& shards) const { return streams() ? (shards.largest() + rows - 1) / rows : 1; }
  /// What the order of rows depends on beside the seed; empty where nothing is streamed.
  std::string identity() const;
};

/// Most rows of a block, which is read at once.
inline constexpr std::int64_t most_block_rows = 1024;

/// Fits the chunks of all shards, two at a time, of rows that take `row_bytes` each, into settings.buffer_MiB. Throws
/// input_error if the buffer does not hold two batches.
chunk_plan plan_chunks(const shard_plan& shards, std::int64_t row_bytes, std::int64_t task_rows,
                       const learning_settings& settings);

}  // namespace spikesweep
