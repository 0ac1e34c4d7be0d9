#include <algorithm>
#include <utility>

#include <spikesweep/surrogate/departure.hpp>

namespace spikesweep {

kernel watched(kernel step, const model& m, departure& seen) {
  const state_outline outline(m.space.layout.state);
  return [step = std::move(step), &m, &seen, outline, calls = std::int64_t{0},
          numbers = std::vector<double>(outline.size())](std::span<chain> chains, std::span<chain_step> steps) mutable {
    if (calls++ % departure_stride == 0) {
      for (const chain& c : chains) {
        const phase_cloud& cloud = m.cloud[static_cast<std::size_t>(c.phase)];
        if (cloud.empty()) {
          continue;
        }
        outline.of(c.p, c.state, numbers);
        const double distance = cloud.distance(numbers) / cloud.limit;
        ++seen.states;
        seen.beyond += distance > 1 ? 1 : 0;
        seen.farthest = std::max(seen.farthest, distance);
      }
    }
    step(chains, steps);
  };
}

}  // namespace spikesweep
