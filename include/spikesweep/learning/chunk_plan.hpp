#pragma once

#include <cstdint>
#include <string>

#include <spikesweep/learning/settings.hpp>
#include <spikesweep/learning/shard_plan.hpp>

namespace spikesweep {

/// How training rows are streamed if `learning.buffer_MiB` does not hold all of them. Each shard is cut into blocks of
/// consecutive rows. Every epoch puts the blocks of a shard into random order, cuts the result into chunks of equally
/// many rows, and shuffles the rows of each chunk. Memory holds two chunks: training uses the first while the second is
/// read. The order of rows depends on this plan, the seed and the epoch alone.
struct chunk_plan {
  std::int64_t rows = 0;   ///< Rows of each shard in a chunk, enough for whole steps; 0: memory holds all rows.
  std::int64_t block = 0;  ///< Consecutive rows of a block; the last block of a shard may have fewer.

  bool streams() const { return rows > 0; }
  /// Number of chunks in an epoch; the same for every shard.
  std::int64_t chunks(const shard_plan& shards) const { return streams() ? (shards.largest() + rows - 1) / rows : 1; }
  /// Text that names everything but the seed that decides the order of rows; empty if nothing is streamed.
  std::string identity() const;
};

/// A block has at most this many rows. It is read in one piece.
inline constexpr std::int64_t most_block_rows = 1024;

/// Chooses chunks so that two chunks of all shards fit into settings.buffer_MiB, if a row takes `row_bytes`. Throws
/// input_error if the buffer does not hold two batches.
chunk_plan plan_chunks(const shard_plan& shards, std::int64_t row_bytes, std::int64_t task_rows,
                       const learning_settings& settings);

}  // namespace spikesweep
