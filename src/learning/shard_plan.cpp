#include <algorithm>

#include <fmt/format.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/learning/shard_plan.hpp>

namespace spikesweep {

std::int64_t shard_plan::largest() const {
  std::int64_t most = 0;
  for (int shard = 0; shard < shards; ++shard) {
    most = std::max(most, size(shard));
  }
  return most;
}

int shard_plan::slices(int ranks) const {
  if (!exact()) {
    return ranks;
  }
  int count = wanted_slices;
  while (count < ranks) {
    count *= 2;
  }
  return shards % count == 0 ? count : shards;
}

int shard_plan::first_of(int rank, int ranks) const {
  if (!exact()) {
    return static_cast<int>(std::int64_t{shards} * rank / ranks);
  }
  const std::int64_t count = slices(ranks);
  return static_cast<int>(count * rank / ranks * (shards / count));
}

void check_shards(std::int64_t rows, int ranks, const learning_settings& settings) {
  if (rows < settings.shards) {
    throw input_error(fmt::format("{} training rows cannot be cut into learning.shards = {} parts; allowed: at most {}",
                                  rows, settings.shards, rows));
  }
  if (ranks > settings.shards) {
    throw input_error(
        fmt::format("{} ranks cannot share learning.shards = {} in training; start at most {}, or set learning.shards "
                    "to a larger number that divides learning.batch ({})",
                    ranks, settings.shards, settings.shards, settings.batch));
  }
}

}  // namespace spikesweep
