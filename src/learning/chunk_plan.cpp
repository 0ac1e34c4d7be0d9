#include <algorithm>

#include <fmt/format.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/learning/chunk_plan.hpp>

namespace spikesweep {

namespace {

constexpr std::int64_t mebibyte = 1 << 20;
/// Memory holds this many chunks: the one that training uses, and the one that is being read.
constexpr std::int64_t chunks_held = 2;
/// A chunk takes at least this many blocks of a shard, so that it mixes rows of several tasks.
constexpr std::int64_t least_blocks = 8;

}  // namespace

std::string chunk_plan::identity() const {
  return streams() ? fmt::format("streamed in chunks of {} rows a shard and blocks of {} ", rows, block) : "";
}

chunk_plan plan_chunks(const shard_plan& shards, std::int64_t row_bytes, std::int64_t task_rows,
                       const learning_settings& settings) {
  const std::int64_t buffer = settings.buffer_MiB * mebibyte;
  if (shards.rows <= buffer / row_bytes) {  // Their product may be larger than 64 bits hold.
    return {};
  }
  const std::int64_t step_rows = settings.batch / shards.shards;
  chunk_plan plan;
  plan.rows = buffer / (chunks_held * shards.shards * row_bytes) / step_rows * step_rows;
  if (plan.rows == 0) {
    const std::int64_t needed = chunks_held * shards.shards * step_rows * row_bytes;
    throw input_error(
        fmt::format("learning.buffer_MiB = {} does not hold two batches of {} rows of {} bytes; allowed: at least {}",
                    settings.buffer_MiB, settings.batch, row_bytes, (needed + mebibyte - 1) / mebibyte));
  }
  // Chunks of equal length: the last one of an epoch must be long enough to read the next one during its steps.
  const std::int64_t even = (shards.largest() + plan.chunks(shards) - 1) / plan.chunks(shards);
  plan.rows = (even + step_rows - 1) / step_rows * step_rows;
  const std::int64_t most = std::min(task_rows, most_block_rows);
  plan.block = std::clamp<std::int64_t>(plan.rows / least_blocks, 1, most);
  return plan;
}

}  // namespace spikesweep
