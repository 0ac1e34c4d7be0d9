#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include <spikesweep/base/rounding.hpp>
#include <spikesweep/learning/law.hpp>
#include <spikesweep/surrogate/kernel.hpp>

namespace spikesweep {

namespace {

/// Start states among which a point's chains are spread.
constexpr std::size_t nearest_starts = 8;

/// Rows that go through the networks at a time: their activations stay in the cache, and the weights are read often
/// enough from it to be no longer what takes time.
constexpr int most_rows = 128;

/// Advances chains by one phase, a block of them at a time.
class block_stepper {
 public:
  /// For `chains` chains, in as few blocks of equal size as there can be.
  block_stepper(const member_view& m, int chains, precision numbers)
      : rows_(static_cast<std::size_t>(rows_at_a_time(chains))),
        law_(m, static_cast<int>(rows_), numbers),
        queries_(rows_),
        samples_(rows_) {}

  std::size_t rows() const { return rows_; }

  void step(std::span<chain> chains, std::span<chain_step> steps) {
    const auto parts = static_cast<std::size_t>(law_.time_bins());
    for (std::size_t i = 0; i < chains.size(); ++i) {
      chain& c = chains[i];
      chain_step& s = steps[i];
      s.times_E.resize(parts);
      s.times_I.resize(parts);
      queries_[i] = {&c.p, c.values, c.phase, c.state, &c.stream, c.noise};
      samples_[i] = {c.state, s.times_E, s.times_I};
    }
    law_.sample(std::span(queries_).first(chains.size()), std::span(samples_).first(chains.size()));
    for (std::size_t i = 0; i < chains.size(); ++i) {
      chain& c = chains[i];
      chain_step& s = steps[i];
      s.phase = c.phase;
      s.duration = samples_[i].duration;
      s.spikes_E = samples_[i].spikes_E;
      s.spikes_I = samples_[i].spikes_I;
      c.phase = next_phase(c.phase);
    }
  }

 private:
  std::size_t rows_;
  law_sampler law_;
  std::vector<law_query> queries_;
  std::vector<law_sample> samples_;
};

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

int rows_at_a_time(int chains) {
  const int blocks = (chains + most_rows - 1) / most_rows;
  return (chains + blocks - 1) / blocks;
}

kernel surrogate_kernel(const member_view& m, int count, precision numbers) {
  return [work = std::make_shared<block_stepper>(m, count, numbers)](std::span<chain> chains,
                                                                     std::span<chain_step> steps) {
    const std::size_t block = work->rows();
    for (std::size_t begin = 0; begin < chains.size(); begin += block) {
      const std::size_t size = std::min(chains.size() - begin, block);
      work->step(chains.subspan(begin, size), steps.subspan(begin, size));
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

std::vector<chain> start_chains(const member_view& of, std::span<const double> values, int count, std::uint64_t seed,
                                std::uint32_t id) {
  const model& m = of.shared;
  const parameters p = parameters_at(m.space, values);
  std::vector<std::size_t> order(m.starts.values.size());
  std::iota(order.begin(), order.end(), 0);
  const std::size_t near = std::min(nearest_starts, order.size());
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(near), order.end(),
                    [&](std::size_t a, std::size_t b) {
                      return squared_axis_distance(m.space, m.starts.values[a], values) <
                             squared_axis_distance(m.space, m.starts.values[b], values);
                    });
  const std::vector<double> looked_up = shifted(m.space, of.own.shift, values);
  const auto noise = static_cast<float>(noise_scale(m.space, of.own.shift, values));
  std::vector<chain> chains;
  for (int i = 0; i < count; ++i) {
    const std::size_t start = order[static_cast<std::size_t>(i) % near];
    const auto row = m.starts.states.row(static_cast<Eigen::Index>(start));
    chain c{p,
            looked_up,
            static_cast<phase_kind>(m.starts.phase[start]),
            {row.data(), row.data() + row.size()},
            random_stream(seed, purpose::surrogate, id, static_cast<std::uint32_t>(i)),
            noise};
    fit_population(m.space.layout.state, p, c.stream.uniform(), c.state);
    chains.push_back(std::move(c));
  }
  return chains;
}

}  // namespace spikesweep
