#include "expected_step.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include <spikesweep/base/rounding.hpp>

namespace spikesweep {

namespace {

std::int32_t round_at_random(double x, random_stream& stream) {
  return static_cast<std::int32_t>(std::floor(std::max(0.0, x) + stream.uniform()));
}

}  // namespace

void take_expected_step(const model& m, std::span<const double> counts, double duration,
                        std::span<const double> profile, chain& c, chain_step& step) {
  const state_layout& layout = m.space.layout.state;
  const auto groups = m.targets.groups();
  step.phase = c.phase;
  step.duration = duration;
  step.spikes_E = round_at_random(counts[0], c.stream);
  step.spikes_I = round_at_random(counts[1], c.stream);
  for (int k = 0; k < pool_count; ++k) {
    c.state[static_cast<std::size_t>(layout.pending(static_cast<pool>(k)))] =
        round_at_random(counts[static_cast<std::size_t>(2 + k)], c.stream);
  }
  step.times_E.resize(static_cast<std::size_t>(groups[2]));
  step.times_I.resize(static_cast<std::size_t>(groups[3]));
  const auto cells = static_cast<std::size_t>(layout.cells());
  std::vector<std::span<std::int32_t>> parts{std::span(c.state).first(cells), std::span(c.state).subspan(cells, cells),
                                             step.times_E, step.times_I};
  std::vector<int> totals{c.p.N_E, c.p.N_I, step.spikes_E, step.spikes_I};
  for (int k = 0; k < pool_count && layout.target_width > 0; ++k) {
    const auto kind = static_cast<pool>(k);
    totals.push_back(c.state[static_cast<std::size_t>(layout.pending(kind))]);
    parts.push_back(std::span(c.state).subspan(static_cast<std::size_t>(layout.first_target(kind)),
                                               static_cast<std::size_t>(layout.target_cells())));
  }
  std::size_t begin = 0;
  for (std::size_t g = 0; g < parts.size(); ++g) {
    std::vector<double> shares(static_cast<std::size_t>(groups[g]));
    for (std::size_t i = 0; i < shares.size(); ++i) {
      shares[i] = std::max(profile[begin + i], 1e-9);
    }
    begin += shares.size();
    systematic_rounding(shares, totals[g], c.stream.uniform(), parts[g]);
  }
  c.phase = next_phase(c.phase);
}

}  // namespace spikesweep
