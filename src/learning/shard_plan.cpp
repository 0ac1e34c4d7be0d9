#include <algorithm>

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

}  // namespace spikesweep
