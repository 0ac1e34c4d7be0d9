#include "lockstep_lanes.hpp"

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

#include <spikesweep/base/error.hpp>
#include <spikesweep/base/random.hpp>

namespace spikesweep {

namespace {

constexpr std::int32_t first_capacity = 1024;  ///< Of a list; it doubles when needed.
/// Room after a list: keeps the lists' ends in different cache sets.
constexpr std::int32_t list_gap = 96;
constexpr float infinity = std::numeric_limits<float>::infinity();

std::uint64_t to_32_bits(double probability) {
  return static_cast<std::uint64_t>(probability * 0x1p32);
}

}  // namespace

lockstep_lanes::lockstep_lanes(std::uint64_t seed_of_all) : seed(seed_of_all) {
  potentials.assign(lane_count, lane_refractory_mark);
  items.assign(1, 0);
  for (int lane = 0; lane < lane_count; ++lane) {
    idle(lane);
  }
}

void lockstep_lanes::idle(int lane) {
  const auto l = static_cast<std::size_t>(lane);
  time[l] = 0;
  slice[l] = infinity;
  hold[l] = low[l] = -1;
  expire[l] = high[l] = infinity;
  for (auto& of : size) {
    of[l] = 0;
  }
  // Kicks to one neuron that is refractory, and stays so.
  external_E[l] = 1;
  external_I[l] = 0;
  N_E[l] = N_I[l] = 1;
  neurons_E[l] = neurons_I[l] = 0;
  potential(lane, 0) = lane_refractory_mark;
}

void lockstep_lanes::wake(int lane, const parameters& p) {
  const auto l = static_cast<std::size_t>(lane);
  N_E[l] = static_cast<std::uint32_t>(p.N_E);
  N_I[l] = static_cast<std::uint32_t>(p.N_I);
  neurons_E[l] = all_neurons_;
  neurons_I[l] = all_neurons_ + p.N_E;
  external_E[l] = static_cast<float>(p.N_E * p.external_rate(population::E));
  external_I[l] = static_cast<float>(p.N_I * p.external_rate(population::I));
}

void lockstep_lanes::set_parameters(int lane, const parameters& p) {
  const auto l = static_cast<std::size_t>(lane);
  const bool by_voltage = p.inhibition == inhibition_kind::voltage_dependent;
  const double inhibitory = by_voltage ? -1.0 / (threshold_potential - reversal_potential) : -1.0;
  const auto set = [&](lane_list k, double tau, double kick) {
    rate[static_cast<std::size_t>(k)][l] = tau > 0 ? static_cast<float>(1000.0 / tau) : 0.0F;
    weight[static_cast<std::size_t>(k)][l] = static_cast<float>(kick);
  };
  const auto connect = [&](lane_list list, pool k) {
    const connection c = p.connection_of(k);
    set(list, c.delay_ms, c.weight * (pre(k) == population::E ? 1.0 : inhibitory));
    reach[l][static_cast<std::size_t>(k)] = to_32_bits(c.probability);
  };
  set(lane_list::refractory, p.refractory_ms(), lane_return_weight);
  connect(lane_list::EE, pool::EE);
  connect(lane_list::IE, pool::IE);
  connect(lane_list::EI, pool::EI);
  connect(lane_list::II, pool::II);
  voltage_dependent[l] = by_voltage ? -1 : 0;
  has_refractory[l] = p.refractory_ms() > 0;
}

void lockstep_lanes::assign(int lane, const parameters& p, std::uint32_t point, std::uint32_t replicate) {
  const auto l = static_cast<std::size_t>(lane);
  reserve_neurons(p.N_E + p.N_I);
  idle(lane);
  for (int k = 0; k < lane_lists; ++k) {
    reserve(static_cast<lane_list>(k), lane, first_capacity);
  }
  set_parameters(lane, p);
  random_stream event_seeds(seed, purpose::lane_events, point, replicate);
  for (auto& word : drawn) {
    word[l] = event_seeds.word();
  }
  for (auto& word : generator) {
    word[l] = event_seeds.word();
  }
  random_stream target_seeds(seed, purpose::lane_targets, point, replicate);
  for (auto& state : words[l].generator) {
    for (auto& word : state) {
      word = target_seeds.word();
    }
  }
  words[l].next = lane_words::capacity;
}

void lockstep_lanes::grow(lane_list k, int lane, std::int32_t wanted) {
  const auto l = static_cast<std::size_t>(lane);
  const auto of = static_cast<std::size_t>(k);
  const std::int32_t room = std::max(wanted, 2 * capacity[l][of]);
  if (static_cast<std::int64_t>(items.size()) + room + list_gap > most_items) {
    pack();
  }
  const std::int32_t old = begin[of][l];
  const auto fresh = static_cast<std::int64_t>(items.size());
  if (fresh + room + list_gap > most_items) {
    throw environment_error(
        "the networks that run side by side have more pending kicks than their simulator can hold; make "
        "'sweep.max_pending' smaller");
  }
  items.resize(static_cast<std::size_t>(fresh + room + list_gap));
  std::copy_n(items.begin() + old, count(k, lane), items.begin() + fresh);
  begin[of][l] = static_cast<std::int32_t>(fresh);
  capacity[l][of] = room;
}

void lockstep_lanes::pack() {
  std::vector<std::uint16_t> packed(items.begin() + all_neurons_, items.begin() + all_neurons_ + neuron_capacity);
  for (int lane = 0; lane < lane_count; ++lane) {
    const auto l = static_cast<std::size_t>(lane);
    for (std::size_t of = 0; of < lane_lists; ++of) {
      const auto from = items.begin() + begin[of][l];
      begin[of][l] = static_cast<std::int32_t>(packed.size());
      packed.insert(packed.end(), from, from + count(static_cast<lane_list>(of), lane));
      packed.resize(static_cast<std::size_t>(begin[of][l] + capacity[l][of] + list_gap));
    }
    neurons_I[l] -= neurons_E[l];
    neurons_E[l] = 0;
  }
  all_neurons_ = 0;
  items = std::move(packed);
}

void lockstep_lanes::reserve_neurons(std::int32_t neurons) {
  if (neurons <= neuron_capacity) {
    return;
  }
  const auto block = [](std::int32_t of) { return std::ptrdiff_t{block_lanes} * of; };
  std::vector<lane_potential> wider(static_cast<std::size_t>(lane_count * neurons), lane_refractory_mark);
  for (int b = 0; b < lane_count / block_lanes; ++b) {
    std::copy_n(potentials.begin() + b * block(neuron_capacity), block(neuron_capacity),
                wider.begin() + b * block(neurons));
  }
  potentials = std::move(wider);
  neuron_capacity = neurons;
  const auto first = static_cast<std::int32_t>(items.size());
  items.resize(items.size() + static_cast<std::size_t>(neurons));
  std::iota(items.begin() + first, items.end(), std::uint16_t{0});
  all_neurons_ = first;
}

std::vector<lane_potential> lockstep_lanes::potentials_of(int lane) {
  const auto l = static_cast<std::size_t>(lane);
  std::vector<lane_potential> out(N_E[l] + N_I[l]);
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = potential(lane, static_cast<int>(i));
  }
  return out;
}

void lockstep_lanes::set_potentials(int lane, std::span<const lane_potential> of_neurons) {
  for (std::size_t i = 0; i < of_neurons.size(); ++i) {
    potential(lane, static_cast<int>(i)) = of_neurons[i];
  }
}

lane_snapshot lockstep_lanes::save(int lane) {
  const auto l = static_cast<std::size_t>(lane);
  lane_snapshot out;
  out.potential = potentials_of(lane);
  for (int k = 0; k < lane_lists; ++k) {
    const auto of = static_cast<std::size_t>(k);
    const auto from = items.begin() + begin[of][l];
    out.list[of].assign(from, from + count(static_cast<lane_list>(k), lane));
  }
  return out;
}

void lockstep_lanes::restore(int lane, const lane_snapshot& snapshot) {
  const auto l = static_cast<std::size_t>(lane);
  set_potentials(lane, snapshot.potential);
  for (std::size_t of = 0; of < lane_lists; ++of) {
    const auto n = static_cast<std::int32_t>(snapshot.list[of].size());
    reserve(static_cast<lane_list>(of), lane, n);
    std::copy(snapshot.list[of].begin(), snapshot.list[of].end(), list(static_cast<lane_list>(of), lane));
    size[of][l] = static_cast<float>(n);
  }
}

}  // namespace spikesweep
