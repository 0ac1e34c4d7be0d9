#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include <spikesweep/base/error.hpp>
#include <spikesweep/base/portable_math.hpp>
#include <spikesweep/network/discrete.hpp>

#include "perturbation.hpp"
#include "synthetic.hpp"

namespace spikesweep {

namespace {

constexpr double ms_per_s = 1000;

}  // namespace

discrete_network::group discrete_network::make_group(const parameters& p, population q, double dt_ms) {
  const bool is_E = q == population::E;
  const connection from_E = p.connection_of(pool_of(q, population::E));
  const connection from_I = p.connection_of(pool_of(q, population::I));
  const double tau_E = from_E.delay_ms;
  const double lambda = p.external_rate(q);
  const double weight = from_I.weight / from_I.delay_ms;
  const bool by_v = p.inhibition == inhibition_kind::voltage_dependent;
  constexpr double range = threshold_potential - reversal_potential;
  const auto size = static_cast<std::size_t>(p.size(q));
  return {is_E ? 0 : p.N_E,
          p.size(q),
          p.S_ext / tau_E,
          from_E.weight / tau_E,
          by_v ? weight * -reversal_potential / range : weight,
          by_v ? weight / range : 0,
          portable_exp(-dt_ms / tau_E),
          {portable_exp(-dt_ms / tau_E), portable_exp(-dt_ms / from_I.delay_ms)},
          {from_E.probability, from_I.probability},
          count_table::poisson(lambda * dt_ms / ms_per_s),
          std::vector<double>(size, lambda * tau_E / ms_per_s),
          {std::vector<double>(size, 0.0), std::vector<double>(size, 0.0)}};
}

discrete_network::discrete_network(const parameters& p, double dt_ms, random_stream stream)
    : p_(p),
      clock_(dt_ms),
      random_(stream),
      groups_{make_group(p, population::E, dt_ms), make_group(p, population::I, dt_ms)},
      potential_(static_cast<std::size_t>(p.N_E + p.N_I)) {
  for (auto& v : potential_) {
    v = threshold_potential * random_.uniform();
  }
}

bool discrete_network::step(double limit) {
  if (clock_.reached(limit)) {
    return false;
  }
  spikes_.clear();
  for (group& g : groups_) {
    move(g);
    fire(g);
  }
  if (!spikes_.empty()) {
    const auto of_E = std::ranges::count_if(spikes_, [this](const step_spike& s) { return s.neuron < p_.N_E; });
    const std::array<int, 2> spikes{static_cast<int>(of_E), static_cast<int>(spikes_.size()) - static_cast<int>(of_E)};
    for (group& g : groups_) {
      grow(g, spikes);
    }
  }
  events_ += p_.N_E + p_.N_I;
  clock_.tick();
  return true;
}

void discrete_network::move(group& g) {
  for (double& kicks : g.outside) {
    kicks = kicks * g.keep_external + g.external_kicks.draw(random_);
  }
  const double dt = clock_.dt_ms();
  double* v = potential_.data() + g.first;
  const double* outside = g.outside.data();
  double* from_E = g.trace[0].data();
  double* from_I = g.trace[1].data();
  for (int i = 0; i < g.size; ++i) {
    from_E[i] *= g.keep[0];
    from_I[i] *= g.keep[1];
    const double rise = g.external * outside[i] + g.excitation * from_E[i];
    const double fall = from_I[i] * (g.inhibition + g.inhibition_by_v * v[i]);
    v[i] = std::max(v[i] + dt * (rise - fall), static_cast<double>(reversal_potential));
  }
}

void discrete_network::fire(const group& g) {
  for (int i = 0; i < g.size; ++i) {
    double& v = potential_[static_cast<std::size_t>(g.first + i)];
    if (v < threshold_potential) {
      continue;
    }
    v = 0;
    const double outside = g.external * g.outside[static_cast<std::size_t>(i)];
    const double recurrent = g.excitation * g.trace[0][static_cast<std::size_t>(i)];
    constexpr double infinity = std::numeric_limits<double>::infinity();
    spikes_.push_back({g.first + i, outside > 0 ? recurrent / outside : infinity});
  }
}

void discrete_network::grow(group& g, const std::array<int, 2>& spikes) {
  for (std::size_t pre = 0; pre < 2; ++pre) {
    if (spikes[pre] == 0) {
      continue;
    }
    const count_table kicks = count_table::binomial(spikes[pre], g.probability[pre]);
    for (double& h : g.trace[pre]) {
      h += kicks.draw(random_);
    }
  }
}

const std::vector<double>& discrete_network::trace(pool k) const {
  const bool onto_E = k == pool::EE || k == pool::EI;
  const bool from_E = k == pool::EE || k == pool::IE;
  return groups_[onto_E ? 0 : 1].trace[from_E ? 0 : 1];
}

std::vector<double>& discrete_network::trace(pool k) {
  return const_cast<std::vector<double>&>(std::as_const(*this).trace(k));
}

int discrete_network::pending(pool k) const {
  const std::vector<double>& h = trace(k);
  // Above any bound on pending kicks the number itself does not matter, but it has to fit.
  constexpr double most = std::numeric_limits<int>::max();
  return static_cast<int>(std::lround(std::min(std::accumulate(h.begin(), h.end(), 0.0), most)));
}

std::int64_t discrete_network::pending() const {
  std::int64_t sum = 0;
  for (int k = 0; k < pool_count; ++k) {
    sum += pending(static_cast<pool>(k));
  }
  return sum;
}

void discrete_network::coarse_grain(const state_layout& layout, std::span<std::int32_t> out) const {
  SPIKESWEEP_ASSERT(static_cast<int>(out.size()) == layout.size());
  std::fill(out.begin(), out.end(), 0);
  for (int i = 0; i < p_.N_E + p_.N_I; ++i) {
    const int v = static_cast<int>(std::floor(potential(i)));
    ++out[static_cast<std::size_t>(layout.first_cell(population_of(i)) + layout.bin_of(v))];
  }
  for (int k = 0; k < pool_count; ++k) {
    const auto kind = static_cast<pool>(k);
    out[static_cast<std::size_t>(layout.pending(kind))] = pending(kind);
    if (layout.target_width > 0) {
      add_targets(layout, kind, out);
    }
  }
}

/// Currents are no whole kicks: those of the cells, from the lowest on, are rounded so that their sums are right.
void discrete_network::add_targets(const state_layout& layout, pool k, std::span<std::int32_t> out) const {
  std::vector<double> cells(static_cast<std::size_t>(layout.target_cells()));
  const std::vector<double>& h = trace(k);
  const int first = k == pool::EE || k == pool::EI ? 0 : p_.N_E;
  double all = 0;
  for (std::size_t i = 0; i < h.size(); ++i) {
    const int v = static_cast<int>(std::floor(potential(first + static_cast<int>(i))));
    cells[static_cast<std::size_t>(layout.target_cell_of(v))] += h[i];
    all += h[i];
  }
  const double whole = pending(k);
  double sum = 0;
  std::int32_t given = 0;
  for (std::size_t cell = 0; cell < cells.size(); ++cell) {
    sum += cells[cell];
    const auto so_far = static_cast<std::int32_t>(all > 0 ? std::floor(whole * std::min(1.0, sum / all)) : 0);
    const std::int32_t until = cell + 1 == cells.size() ? static_cast<std::int32_t>(whole) : so_far;
    out[static_cast<std::size_t>(layout.first_target(k)) + cell] = until - given;
    given = until;
  }
}

void discrete_network::draw_from(const state_layout& layout, state_view state) {
  SPIKESWEEP_ASSERT(static_cast<int>(state.size()) == layout.size());
  SPIKESWEEP_ASSERT(population_size(layout, state, population::E) == p_.N_E);
  SPIKESWEEP_ASSERT(population_size(layout, state, population::I) == p_.N_I);
  // Neurons of a population are exchangeable but for their external traces, which do not depend on the rest.
  std::size_t neuron = 0;
  for (const population q : {population::E, population::I}) {
    for (int bin = 0; bin < layout.bins(); ++bin) {
      const double begin = layout.bin_begin(bin);
      const double width = layout.bin_end(bin) - begin;
      for (int i = 0; i < state[static_cast<std::size_t>(layout.first_cell(q) + bin)]; ++i) {
        potential_[neuron++] = begin + width * random_.uniform();
      }
    }
    for (int i = 0; i < state[static_cast<std::size_t>(layout.refractory_cell(q))]; ++i) {
      potential_[neuron++] = 0;
    }
  }
  for (int k = 0; k < pool_count; ++k) {
    const auto kind = static_cast<pool>(k);
    std::vector<double>& h = trace(kind);
    std::fill(h.begin(), h.end(), 0.0);
    if (layout.target_width == 0) {
      add_to_any(h, state[static_cast<std::size_t>(layout.pending(kind))]);
      continue;
    }
    std::vector<std::vector<std::size_t>> neurons(static_cast<std::size_t>(layout.target_cells()));
    const int first = kind == pool::EE || kind == pool::EI ? 0 : p_.N_E;
    for (std::size_t i = 0; i < h.size(); ++i) {
      const int v = static_cast<int>(std::floor(potential(first + static_cast<int>(i))));
      neurons[static_cast<std::size_t>(layout.target_cell_of(v))].push_back(i);
    }
    for (std::size_t cell = 0; cell < neurons.size(); ++cell) {
      const int count = state[static_cast<std::size_t>(layout.first_target(kind)) + cell];
      if (neurons[cell].empty()) {
        add_to_any(h, count);
        continue;
      }
      for (int i = 0; i < count; ++i) {
        h[neurons[cell][random_.below(static_cast<std::uint32_t>(neurons[cell].size()))]] += 1;
      }
    }
  }
}

void discrete_network::add_to_any(std::vector<double>& h, int count) {
  for (int i = 0; i < count; ++i) {
    h[random_.below(static_cast<std::uint32_t>(h.size()))] += 1;
  }
}

void discrete_network::scale_pool(pool k, double factor) {
  for (double& h : trace(k)) {
    h *= factor;
  }
}

void discrete_network::perturb(random_stream& stream) {
  perturb_network(
      p_, stream, potential_.data(), no_mark_, [this](pool k, double factor) { scale_pool(k, factor); }, [](int) {});
}

void discrete_network::change_parameters(const parameters& p) {
  SPIKESWEEP_ASSERT(p.N_E == p_.N_E && p.N_I == p_.N_I);
  p_ = p;
  for (const population q : {population::E, population::I}) {
    group& old = groups_[static_cast<std::size_t>(q)];
    group fresh = make_group(p, q, clock_.dt_ms());
    fresh.outside = std::move(old.outside);
    fresh.trace[0] = std::move(old.trace[0]);
    fresh.trace[1] = std::move(old.trace[1]);
    old = std::move(fresh);
  }
}

void discrete_network::synthesize(const state_layout& layout, int first_mode, random_stream& stream) {
  synthesize_network(p_, layout, first_mode, stream, potential_.data(), no_mark_,
                     [this](pool k, double factor) { scale_pool(k, factor); });
}

}  // namespace spikesweep
