#include <spikesweep/base/error.hpp>
#include <spikesweep/network/oracle.hpp>

#include "perturbation.hpp"

namespace spikesweep {

namespace {

constexpr double per_second(double milliseconds) {
  return 1000.0 / milliseconds;
}

}  // namespace

oracle::oracle(const parameters& p, const random_stream& stream)
    : p_(p),
      stream_(stream),
      potential_(static_cast<std::size_t>(p.N_E + p.N_I)),
      pool_rate_{per_second(p.tau_EE), per_second(p.tau_IE), per_second(p.tau_EI), per_second(p.tau_II)},
      return_rate_(p.tau_ref > 0 ? per_second(p.tau_ref) : 0) {
  for (auto& v : potential_) {
    v = static_cast<std::int16_t>(stream_.below(threshold_potential));
  }
}

std::int64_t oracle::pending() const {
  std::int64_t sum = 0;
  for (const auto& kicks : pools_) {
    sum += static_cast<std::int64_t>(kicks.size());
  }
  return sum;
}

void oracle::scatter(pool k, int first, int size, double probability) {
  auto& kicks = pools_[static_cast<std::size_t>(k)];
  const auto below = static_cast<std::uint64_t>(probability * 0x1p32);
  const std::size_t old = kicks.size();
  kicks.resize(old + static_cast<std::size_t>(size));
  std::int32_t* out = kicks.data() + old;
  for (int i = first; i < first + size; ++i) {
    *out = i;
    out += stream_.word() < below ? 1 : 0;
  }
  kicks.resize(static_cast<std::size_t>(out - kicks.data()));
}

void oracle::spike(int neuron) {
  if (p_.tau_ref > 0) {
    potential_[static_cast<std::size_t>(neuron)] = refractory_mark_;
    refractory_.push_back(neuron);
  } else {
    potential_[static_cast<std::size_t>(neuron)] = 0;
  }
  if (neuron < p_.N_E) {
    scatter(pool::EE, 0, p_.N_E, p_.P_EE);
    scatter(pool::IE, p_.N_E, p_.N_I, p_.P_IE);
  } else {
    scatter(pool::EI, 0, p_.N_E, p_.P_EI);
    scatter(pool::II, p_.N_E, p_.N_I, p_.P_II);
  }
}

void oracle::coarse_grain(const state_layout& layout, std::span<std::int32_t> out) const {
  SPIKESWEEP_ASSERT(static_cast<int>(out.size()) == layout.size());
  std::fill(out.begin(), out.end(), 0);
  for (int i = 0; i < p_.N_E + p_.N_I; ++i) {
    const population q = population_of(i);
    const int v = potential_[static_cast<std::size_t>(i)];
    const int cell = v == refractory_mark_ ? layout.refractory_cell(q) : layout.first_cell(q) + layout.bin_of(v);
    ++out[static_cast<std::size_t>(cell)];
  }
  for (int k = 0; k < pool_count; ++k) {
    out[static_cast<std::size_t>(layout.pending(static_cast<pool>(k)))] = pending(static_cast<pool>(k));
  }
}

void oracle::release_all() {
  refractory_.clear();
  for (auto& kicks : pools_) {
    kicks.clear();
  }
}

void oracle::draw_from(const state_layout& layout, state_view state) {
  SPIKESWEEP_ASSERT(static_cast<int>(state.size()) == layout.size());
  SPIKESWEEP_ASSERT(population_size(layout, state, population::E) == p_.N_E);
  SPIKESWEEP_ASSERT(population_size(layout, state, population::I) == p_.N_I);
  release_all();
  // Neurons of a population are exchangeable, so they may be filled in order.
  int neuron = 0;
  for (const population q : {population::E, population::I}) {
    for (int bin = 0; bin < layout.bins(); ++bin) {
      const int begin = layout.bin_begin(bin);
      const auto width = static_cast<std::uint32_t>(layout.bin_end(bin) - begin);
      const int count = state[static_cast<std::size_t>(layout.first_cell(q) + bin)];
      for (int i = 0; i < count; ++i) {
        potential_[static_cast<std::size_t>(neuron++)] =
            static_cast<std::int16_t>(begin + static_cast<int>(stream_.below(width)));
      }
    }
    for (int i = 0; i < state[static_cast<std::size_t>(layout.refractory_cell(q))]; ++i) {
      if (p_.tau_ref > 0) {
        potential_[static_cast<std::size_t>(neuron)] = refractory_mark_;
        refractory_.push_back(neuron++);
      } else {
        potential_[static_cast<std::size_t>(neuron++)] = 0;
      }
    }
  }
  for (int k = 0; k < pool_count; ++k) {
    const auto kind = static_cast<pool>(k);
    auto& kicks = pools_[static_cast<std::size_t>(k)];
    kicks.resize(static_cast<std::size_t>(state[static_cast<std::size_t>(layout.pending(kind))]));
    for (auto& target : kicks) {
      target = first_target(kind) + static_cast<int>(stream_.below(static_cast<std::uint32_t>(target_count(kind))));
    }
  }
}

void oracle::scale_pool(pool k, double factor, random_stream& stream) {
  auto& kicks = pools_[static_cast<std::size_t>(k)];
  const auto wanted = static_cast<std::size_t>(static_cast<double>(kicks.size()) * factor);
  while (kicks.size() > wanted) {
    std::swap(kicks[stream.below(static_cast<std::uint32_t>(kicks.size()))], kicks.back());
    kicks.pop_back();
  }
  while (kicks.size() < wanted) {
    kicks.push_back(first_target(k) + static_cast<int>(stream.below(static_cast<std::uint32_t>(target_count(k)))));
  }
}

void oracle::perturb(random_stream& stream) {
  refractory_.clear();
  perturb_network(
      p_, stream, potential_.data(), refractory_mark_, [&](pool k, double factor) { scale_pool(k, factor, stream); },
      [&](int neuron) { refractory_.push_back(neuron); });
}

}  // namespace spikesweep
