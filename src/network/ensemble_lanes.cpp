#include "ensemble_lanes.hpp"

#include <algorithm>
#include <limits>

#include <spikesweep/base/error.hpp>

namespace spikesweep {

namespace {

constexpr std::int32_t first_capacity = 1024;  ///< Of a list; it doubles when needed.
/// Room after a list: keeps the lists' ends in different cache sets, and holds what a wide load reads past an end.
constexpr std::int32_t list_gap = 96;
constexpr float infinity = std::numeric_limits<float>::infinity();

std::uint64_t to_32_bits(double probability) {
  return static_cast<std::uint64_t>(probability * 0x1p32);
}

}  // namespace

ensemble_lanes::ensemble_lanes(std::uint64_t seed) {
  // The Weyl sequence of Philox4x32 (Salmon et al., SC 2011).
  constexpr std::uint32_t bump[2] = {0x9E3779B9U, 0xBB67AE85U};
  for (std::uint32_t r = 0; r < key.size(); ++r) {
    key[r] = {static_cast<std::uint32_t>(seed) + r * bump[0], static_cast<std::uint32_t>(seed >> 32) + r * bump[1]};
  }
  // Idle lanes read one refractory neuron, and one item before every list.
  potential.assign(lane_count, lane_refractory_mark);
  items.assign(list_gap, 0);
  for (int lane = 0; lane < lane_count; ++lane) {
    const auto l = static_cast<std::size_t>(lane);
    first[l] = lane;
    potential_capacity[l] = 1;
    for (auto& of : begin) {
      of[l] = list_gap / 2;
    }
    idle(lane);
  }
}

void ensemble_lanes::idle(int lane) {
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
  potential[static_cast<std::size_t>(first[l])] = lane_refractory_mark;
}

void ensemble_lanes::wake(int lane, const parameters& p) {
  const auto l = static_cast<std::size_t>(lane);
  N_E[l] = static_cast<std::uint32_t>(p.N_E);
  N_I[l] = static_cast<std::uint32_t>(p.N_I);
  external_E[l] = static_cast<float>(p.N_E * p.lambda_E);
  external_I[l] = static_cast<float>(p.N_I * p.lambda_I);
}

void ensemble_lanes::assign(int lane, const parameters& p, std::uint32_t point_of, std::uint32_t replicate_of) {
  const auto l = static_cast<std::size_t>(lane);
  const std::int32_t neurons = p.N_E + p.N_I;
  if (potential_capacity[l] < neurons) {
    first[l] = static_cast<std::int32_t>(potential.size());
    potential.resize(potential.size() + static_cast<std::size_t>(neurons));
    potential_capacity[l] = neurons;
  }
  idle(lane);
  std::fill_n(potentials(lane), neurons, 0);
  potential[static_cast<std::size_t>(first[l])] = lane_refractory_mark;
  for (int k = 0; k < lane_lists; ++k) {
    reserve(static_cast<lane_list>(k), lane, first_capacity);
  }
  const bool by_voltage = p.inhibition == inhibition_kind::voltage_dependent;
  const double inhibitory = by_voltage ? -1.0 / (threshold_potential - reversal_potential) : -1.0;
  const auto set = [&](lane_list k, double tau, double kick) {
    rate[static_cast<std::size_t>(k)][l] = tau > 0 ? static_cast<float>(1000.0 / tau) : 0.0F;
    weight[static_cast<std::size_t>(k)][l] = static_cast<float>(kick);
  };
  set(lane_list::refractory, p.tau_ref, lane_return_weight);
  set(lane_list::EE, p.tau_EE, p.S_EE);
  set(lane_list::IE, p.tau_IE, p.S_IE);
  set(lane_list::EI, p.tau_EI, p.S_EI * inhibitory);
  set(lane_list::II, p.tau_II, p.S_II * inhibitory);
  voltage_dependent[l] = by_voltage ? -1 : 0;
  has_refractory[l] = p.tau_ref > 0;
  reach[l] = {to_32_bits(p.P_EE), to_32_bits(p.P_IE), to_32_bits(p.P_EI), to_32_bits(p.P_II)};
  counter_low[l] = 0;
  counter_high[l] = event_purpose << 24;
  point[l] = point_of;
  replicate[l] = replicate_of;
  words[l].next = lane_words::capacity;
  words[l].block = 0;
}

std::int64_t ensemble_lanes::pending(int lane) const {
  std::int64_t sum = 0;
  for (int k = 0; k < pool_count; ++k) {
    sum += count(list_of(static_cast<pool>(k)), lane);
  }
  return sum;
}

void ensemble_lanes::reserve(lane_list k, int lane, std::int32_t wanted) {
  const auto l = static_cast<std::size_t>(lane);
  const auto of = static_cast<std::size_t>(k);
  if (capacity[l][of] >= wanted) {
    return;
  }
  const std::int32_t room = std::max(wanted, 2 * capacity[l][of]);
  const std::int32_t old = begin[of][l];
  const auto fresh = static_cast<std::int64_t>(items.size());
  SPIKESWEEP_ASSERT(fresh + room + list_gap < INT32_MAX / 2);
  items.resize(static_cast<std::size_t>(fresh + room + list_gap));
  std::copy_n(items.begin() + old, count(k, lane), items.begin() + fresh);
  begin[of][l] = static_cast<std::int32_t>(fresh);
  capacity[l][of] = room;
}

lane_snapshot ensemble_lanes::save(int lane) const {
  const auto l = static_cast<std::size_t>(lane);
  lane_snapshot out;
  out.potential.assign(potentials(lane), potentials(lane) + N_E[l] + N_I[l]);
  for (int k = 0; k < lane_lists; ++k) {
    const auto of = static_cast<std::size_t>(k);
    const auto from = items.begin() + begin[of][l];
    out.list[of].assign(from, from + count(static_cast<lane_list>(k), lane));
  }
  return out;
}

void ensemble_lanes::restore(int lane, const lane_snapshot& snapshot) {
  const auto l = static_cast<std::size_t>(lane);
  std::copy(snapshot.potential.begin(), snapshot.potential.end(), potentials(lane));
  for (std::size_t of = 0; of < lane_lists; ++of) {
    const auto n = static_cast<std::int32_t>(snapshot.list[of].size());
    reserve(static_cast<lane_list>(of), lane, n);
    std::copy(snapshot.list[of].begin(), snapshot.list[of].end(), list(static_cast<lane_list>(of), lane));
    size[of][l] = static_cast<float>(n);
  }
}

}  // namespace spikesweep
