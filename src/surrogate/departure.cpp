#include <algorithm>
#include <utility>

#include <spikesweep/surrogate/departure.hpp>

namespace spikesweep {

kernel watched(kernel step, const model& m, departure& seen) {
  return [step = std::move(step), &m, &seen, calls = std::int64_t{0},
          features = std::vector<float>(static_cast<std::size_t>(m.features.size()))](
             std::span<chain> chains, std::span<chain_step> steps) mutable {
    if (calls++ % departure_stride == 0) {
      for (const chain& c : chains) {
        const phase_cloud& cloud = m.cloud[static_cast<std::size_t>(c.phase)];
        if (cloud.empty()) {
          continue;
        }
        m.features.raw(c.p, c.values, c.phase, c.state, features);
        m.features.standardise(features);
        const double distance = cloud.distance(features) / cloud.limit;
        ++seen.states;
        seen.beyond += distance > 1 ? 1 : 0;
        seen.farthest = std::max(seen.farthest, distance);
      }
    }
    step(chains, steps);
  };
}

}  // namespace spikesweep
