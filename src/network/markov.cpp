#include <algorithm>
#include <numeric>

#include <spikesweep/base/error.hpp>
#include <spikesweep/network/markov.hpp>
#include <spikesweep/network/task.hpp>

#include "perturbation.hpp"
#include "synthetic.hpp"

namespace spikesweep {

namespace {

constexpr double per_second(double milliseconds) {
  return 1000.0 / milliseconds;
}

}  // namespace

markov_network::markov_network(const parameters& p, random_stream stream)
    : p_(p), random_(stream), potential_(static_cast<std::size_t>(p.N_E + p.N_I)) {
  for (auto& v : potential_) {
    v = static_cast<std::int16_t>(random_.below(threshold_potential));
  }
  const auto set_external = [this](std::size_t k, int first, int count) {
    lists_[k].members.resize(static_cast<std::size_t>(count));
    std::iota(lists_[k].members.begin(), lists_[k].members.end(), first);
    lists_[k].count = count;
    lists_[k].used_up = 0;
  };
  set_external(external_E_, 0, p.N_E);
  set_external(external_I_, p.N_E, p.N_I);
  set_classes();
}

void markov_network::set_classes() {
  const parameters& p = p_;
  const auto set = [this](std::size_t k, double rate, double weight, int sign) {
    lists_[k].rate = rate;
    lists_[k].mean_s = rate > 0 ? 1 / rate : 0;
    lists_[k].weight = weight;
    lists_[k].sign = sign;
  };
  set(external_E_, p.external_rate(population::E), 1, 1);
  set(external_I_, p.external_rate(population::I), 1, 1);
  for (const pool k : {pool::EE, pool::IE, pool::EI, pool::II}) {
    const connection c = p.connection_of(k);
    set(class_of(k), per_second(c.delay_ms), c.weight, pre(k) == population::E ? 1 : -1);
  }
  set(returns_, p.refractory_ms() > 0 ? per_second(p.refractory_ms()) : 0, 0, 1);
  if (p.inhibition == inhibition_kind::voltage_dependent) {
    for (const pool k : {pool::EI, pool::II}) {
      constexpr double range = threshold_potential - reversal_potential;
      list(k).slope = list(k).weight / range;
      list(k).weight *= -reversal_potential / range;
    }
  }
}

std::int64_t markov_network::pending() const {
  std::int64_t sum = 0;
  for (int k = 0; k < pool_count; ++k) {
    sum += pending(static_cast<pool>(k));
  }
  return full_ ? std::max(sum, max_pending_limit + 1) : sum;
}

void markov_network::add(event_list& to, int neuron) {
  to.members.resize(static_cast<std::size_t>(to.count));
  to.members.push_back(neuron);
  ++to.count;
}

void markov_network::scatter(pool k, int first, int size, double probability) {
  event_list& to = list(k);
  full_ = full_ || to.count > max_pending_limit;
  if (full_) {
    return;
  }
  const auto enough = static_cast<std::size_t>(to.count + size);
  if (to.members.size() < enough) {
    to.members.resize(2 * enough);
  }
  // A quarter of a word decides, and on a tie another word.
  constexpr int share = 4;
  const auto below = static_cast<std::uint64_t>(probability * 0x1p32);
  const std::uint64_t high = below >> 16;
  const std::uint64_t low = below & 0xffff;
  std::int32_t* out = to.members.data() + to.count;
  std::uint64_t word = 0;
  for (int i = 0; i < size; ++i) {
    word = i % share == 0 ? random_.word64() : word >> 16;
    const std::uint64_t quarter = word & 0xffff;
    const bool hit = quarter == high ? random_.word64() >> 48 < low : quarter < high;
    *out = first + i;
    out += hit ? 1 : 0;
  }
  to.count = static_cast<int>(out - to.members.data());
}

void markov_network::reset(int neuron) {
  if (p_.refractory_ms() > 0) {
    potential_[static_cast<std::size_t>(neuron)] = refractory_mark_;
    add(lists_[returns_], neuron);
  } else {
    potential_[static_cast<std::size_t>(neuron)] = 0;
  }
}

void markov_network::fan_out(int neuron) {
  if (neuron < p_.N_E) {
    scatter(pool::EE, 0, p_.N_E, p_.connection_of(pool::EE).probability);
    scatter(pool::IE, p_.N_E, p_.N_I, p_.connection_of(pool::IE).probability);
  } else {
    scatter(pool::EI, 0, p_.N_E, p_.connection_of(pool::EI).probability);
    scatter(pool::II, p_.N_E, p_.N_I, p_.connection_of(pool::II).probability);
  }
}

void markov_network::coarse_grain(const state_layout& layout, std::span<std::int32_t> out) const {
  SPIKESWEEP_ASSERT(static_cast<int>(out.size()) == layout.size());
  std::fill(out.begin(), out.end(), 0);
  for (int i = 0; i < p_.N_E + p_.N_I; ++i) {
    const population q = population_of(i);
    const int v = potential_[static_cast<std::size_t>(i)];
    const int cell = v == refractory_mark_ ? layout.refractory_cell(q) : layout.first_cell(q) + layout.bin_of(v);
    ++out[static_cast<std::size_t>(cell)];
  }
  for (int k = 0; k < pool_count; ++k) {
    const auto kind = static_cast<pool>(k);
    out[static_cast<std::size_t>(layout.pending(kind))] = pending(kind);
    for (int i = 0; i < pending(kind) && layout.target_width > 0; ++i) {
      const int v = potential_[static_cast<std::size_t>(list(kind).members[static_cast<std::size_t>(i)])];
      const int cell = v == refractory_mark_ ? layout.target_cells() - 1 : layout.target_cell_of(v);
      ++out[static_cast<std::size_t>(layout.first_target(kind) + cell)];
    }
  }
}

void markov_network::draw_from(const state_layout& layout, state_view state) {
  SPIKESWEEP_ASSERT(static_cast<int>(state.size()) == layout.size());
  SPIKESWEEP_ASSERT(population_size(layout, state, population::E) == p_.N_E);
  SPIKESWEEP_ASSERT(population_size(layout, state, population::I) == p_.N_I);
  lists_[returns_].count = 0;
  // Neurons of a population are exchangeable, so they may be filled in order.
  int neuron = 0;
  for (const population q : {population::E, population::I}) {
    for (int bin = 0; bin < layout.bins(); ++bin) {
      const int begin = layout.bin_begin(bin);
      const auto width = static_cast<std::uint32_t>(layout.bin_end(bin) - begin);
      const int count = state[static_cast<std::size_t>(layout.first_cell(q) + bin)];
      for (int i = 0; i < count; ++i) {
        potential_[static_cast<std::size_t>(neuron++)] =
            static_cast<std::int16_t>(begin + static_cast<int>(random_.below(width)));
      }
    }
    for (int i = 0; i < state[static_cast<std::size_t>(layout.refractory_cell(q))]; ++i) {
      if (p_.refractory_ms() > 0) {
        potential_[static_cast<std::size_t>(neuron)] = refractory_mark_;
        add(lists_[returns_], neuron++);
      } else {
        potential_[static_cast<std::size_t>(neuron++)] = 0;
      }
    }
  }
  for (int k = 0; k < pool_count; ++k) {
    const auto kind = static_cast<pool>(k);
    event_list& kicks = list(kind);
    kicks.count = 0;
    if (layout.target_width == 0) {
      add_to_any(kind, state[static_cast<std::size_t>(layout.pending(kind))]);
      continue;
    }
    std::vector<std::vector<std::int32_t>> neurons(static_cast<std::size_t>(layout.target_cells()));
    for (int i = first_target(kind); i < first_target(kind) + target_count(kind); ++i) {
      const int v = potential_[static_cast<std::size_t>(i)];
      const int cell = v == refractory_mark_ ? layout.target_cells() - 1 : layout.target_cell_of(v);
      neurons[static_cast<std::size_t>(cell)].push_back(i);
    }
    for (std::size_t cell = 0; cell < neurons.size(); ++cell) {
      const int count = state[static_cast<std::size_t>(layout.first_target(kind)) + cell];
      if (neurons[cell].empty()) {
        add_to_any(kind, count);  // Only a state that no network was in has such kicks.
        continue;
      }
      for (int i = 0; i < count; ++i) {
        add(kicks, neurons[cell][random_.below(static_cast<std::uint32_t>(neurons[cell].size()))]);
      }
    }
  }
}

void markov_network::add_to_any(pool k, int count) {
  for (int i = 0; i < count; ++i) {
    add(list(k), first_target(k) + static_cast<int>(random_.below(static_cast<std::uint32_t>(target_count(k)))));
  }
}

void markov_network::scale_pool(pool k, double factor, random_stream& stream) {
  event_list& kicks = list(k);
  // One more than the highest bound is enough to run away.
  const auto most = std::max(static_cast<double>(kicks.count), static_cast<double>(max_pending_limit + 1));
  const auto wanted = static_cast<int>(std::min(kicks.count * factor, most));
  while (kicks.count > wanted) {
    const std::uint32_t gone = stream.below(static_cast<std::uint32_t>(kicks.count));
    kicks.members[gone] = kicks.members[static_cast<std::size_t>(--kicks.count)];
  }
  while (kicks.count < wanted) {
    add(kicks, first_target(k) + static_cast<int>(stream.below(static_cast<std::uint32_t>(target_count(k)))));
  }
}

void markov_network::perturb(random_stream& stream) {
  lists_[returns_].count = 0;
  perturb_network(
      p_, stream, potential_.data(), refractory_mark_, [&](pool k, double factor) { scale_pool(k, factor, stream); },
      [&](int neuron) { add(lists_[returns_], neuron); });
}

void markov_network::change_parameters(const parameters& p) {
  SPIKESWEEP_ASSERT(p.N_E == p_.N_E && p.N_I == p_.N_I);
  p_ = p;
  set_classes();
}

void markov_network::synthesize(const state_layout& layout, int first_mode, random_stream& stream) {
  synthesize_network(p_, layout, first_mode, stream, potential_.data(), refractory_mark_,
                     [&](pool k, double factor) { scale_pool(k, factor, stream); });
}

}  // namespace spikesweep
