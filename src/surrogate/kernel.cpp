#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include <spikesweep/base/rounding.hpp>
#include <spikesweep/learning/law.hpp>
#include <spikesweep/surrogate/kernel.hpp>

namespace spikesweep {

namespace {

double distance_squared(const transition_space& space, std::span<const double> a, std::span<const double> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double range = std::max(space.axis_max[i] - space.axis_min[i], 1e-300);
    sum += (a[i] - b[i]) * (a[i] - b[i]) / (range * range);
  }
  return sum;
}

/// Start states among which a point's chains are spread.
constexpr std::size_t nearest_starts = 8;

}  // namespace

phase_kind next_phase(phase_kind phase) {
  switch (phase) {
    case phase_kind::active:
      return phase_kind::quiet;
    case phase_kind::quiet:
      return phase_kind::active;
    case phase_kind::step:
      break;
  }
  return phase_kind::step;
}

kernel surrogate_kernel(const model& m, int rows) {
  auto sampler = std::make_shared<law_sampler>(m, rows);
  return [sampler, rows](std::span<chain> chains, std::span<chain_step> steps) {
    for (std::size_t begin = 0; begin < chains.size(); begin += static_cast<std::size_t>(rows)) {
      const std::size_t count = std::min(chains.size() - begin, static_cast<std::size_t>(rows));
      std::vector<law_query> queries(count);
      std::vector<law_sample> samples(count);
      for (std::size_t i = 0; i < count; ++i) {
        chain& c = chains[begin + i];
        chain_step& s = steps[begin + i];
        queries[i] = {&c.p, c.values, c.phase, c.state, &c.stream};
        s.times_E.resize(static_cast<std::size_t>(sampler->time_bins()));
        s.times_I.resize(static_cast<std::size_t>(sampler->time_bins()));
        samples[i] = {c.state, s.times_E, s.times_I};
      }
      sampler->sample(queries, samples);
      for (std::size_t i = 0; i < count; ++i) {
        chain& c = chains[begin + i];
        chain_step& s = steps[begin + i];
        s.phase = c.phase;
        s.duration = samples[i].duration;
        s.spikes_E = samples[i].spikes_E;
        s.spikes_I = samples[i].spikes_I;
        c.phase = next_phase(c.phase);
      }
    }
  };
}

void fit_population(const state_layout& layout, const parameters& p, double u, std::span<std::int32_t> state) {
  for (const population q : {population::E, population::I}) {
    if (population_size(layout, state, q) == p.size(q)) {
      continue;
    }
    const auto cells =
        state.subspan(static_cast<std::size_t>(layout.first_cell(q)), static_cast<std::size_t>(layout.cells()));
    const double old = population_size(layout, state, q);
    std::vector<double> shares(cells.size());
    std::transform(cells.begin(), cells.end(), shares.begin(), [old](std::int32_t n) { return n / old; });
    systematic_rounding(shares, p.size(q), u, cells);
  }
}

std::vector<chain> start_chains(const model& m, std::span<const double> values, int count, std::uint64_t seed,
                                std::uint32_t id) {
  const parameters p = parameters_at(m.space, values);
  std::vector<std::size_t> order(m.starts.values.size());
  std::iota(order.begin(), order.end(), 0);
  const std::size_t near = std::min(nearest_starts, order.size());
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(near), order.end(),
                    [&](std::size_t a, std::size_t b) {
                      return distance_squared(m.space, m.starts.values[a], values) <
                             distance_squared(m.space, m.starts.values[b], values);
                    });
  std::vector<chain> chains;
  for (int i = 0; i < count; ++i) {
    const std::size_t start = order[static_cast<std::size_t>(i) % near];
    const auto row = m.starts.states.row(static_cast<Eigen::Index>(start));
    chain c{p,
            {values.begin(), values.end()},
            static_cast<phase_kind>(m.starts.phase[start]),
            {row.data(), row.data() + row.size()},
            random_stream(seed, purpose::surrogate, id, static_cast<std::uint32_t>(i))};
    fit_population(m.space.layout.state, p, c.stream.uniform(), c.state);
    chains.push_back(std::move(c));
  }
  return chains;
}

}  // namespace spikesweep
