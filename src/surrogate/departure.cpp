#include <algorithm>
#include <utility>

#include <spikesweep/surrogate/departure.hpp>

namespace spikesweep {

void state_watch::at(const chain& c, departure& seen) {
  const phase_cloud& cloud = m_.cloud[static_cast<std::size_t>(c.phase)];
  if (cloud.empty()) {
    return;
  }
  outline_.of(c.p, c.state, numbers_);
  const double distance = cloud.distance(numbers_) / cloud.limit;
  ++seen.states;
  seen.beyond += distance > 1 ? 1 : 0;
  seen.farthest = std::max(seen.farthest, distance);
}

kernel watched(kernel step, const model& m, departure& seen) {
  return [step = std::move(step), look = state_watch(m), &seen, calls = std::int64_t{0}](
             std::span<chain> chains, std::span<chain_step> steps) mutable {
    if (calls++ % departure_stride == 0) {
      for (const chain& c : chains) {
        look.at(c, seen);
      }
    }
    step(chains, steps);
  };
}

}  // namespace spikesweep
