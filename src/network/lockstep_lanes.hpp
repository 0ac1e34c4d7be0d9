#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <spikesweep/network/parameters.hpp>
#include <spikesweep/network/state.hpp>

namespace spikesweep {

/// Networks that one core simulates in lockstep. The same on every instruction set, whose vectors may be shorter.
inline constexpr int lane_count = 16;

/// What a lane's events come from: five lists of neurons in memory, then the external kicks. They partition [0, total
/// rate) in this order, so that the classes that can be rare come first, where a float resolves finely.
enum class lane_list : int { refractory = 0, II = 1, IE = 2, EE = 3, EI = 4 };
inline constexpr int lane_lists = 5;

constexpr lane_list list_of(pool k) {
  constexpr lane_list of[pool_count] = {lane_list::EE, lane_list::IE, lane_list::EI, lane_list::II};
  return of[static_cast<int>(k)];
}

/// A membrane potential in memory [kicks].
using lane_potential = std::int8_t;
static_assert(reversal_potential >= INT8_MIN && threshold_potential <= INT8_MAX);
/// Potential of a refractory neuron.
inline constexpr lane_potential lane_refractory_mark = INT8_MAX;
/// Weight of a return: takes the mark below any potential.
inline constexpr float lane_return_weight = -1000;
/// Lanes whose potentials lie side by side, one neuron's after the other's.
inline constexpr int block_lanes = 8;
/// Random words of a lane that were drawn and not used yet: targets of spikes and places of kicks. They come from some
/// generators side by side, as many at a time as vectors hold.
struct lane_words {
  static constexpr std::uint32_t generators = 16;
  static constexpr std::uint32_t capacity = 8 * generators;
  alignas(64) std::array<std::uint32_t, capacity> word;
  alignas(64) std::array<std::array<std::uint32_t, generators>, 4> generator;  ///< States, xoshiro128++.
  std::uint32_t next = capacity;

  template <class Archive>
  void serialize(Archive& archive, unsigned /*version*/) {
    archive& word& generator& next;
  }
};

/// The microscopic state of one network apart from its lane, for going back to it.
struct lane_snapshot {
  std::vector<lane_potential> potential;
  std::array<std::vector<std::uint16_t>, lane_lists> list;

  template <class Archive>
  void serialize(Archive& archive, unsigned /*version*/) {
    archive& potential& list;
  }
};

/// The networks of all lanes: one value a lane in arrays that vectors load, lists and potentials in memory.
///
/// A list holds neurons in uniformly random order: what is added goes to a random place and what was there to the end,
/// so the last entry is a uniform member whatever happened before, and an event takes the last one away.
struct lockstep_lanes {
  template <class T>
  struct alignas(64) row : std::array<T, lane_count> {};

  // Time runs from the begin of the lane's slice [s].
  row<float> time{};
  row<float> slice{};   ///< Length of the slice: an event past it is dropped, which the exponential law allows.
  row<float> hold{};    ///< A lane stops at its first event at or before this time ...
  row<float> expire{};  ///< ... or past this one, if its EE list is no longer than `low` ...
  row<float> low{};
  row<float> high{};  ///< ... or when its EE list is at least so long.
  std::array<row<float>, lane_lists> size{};
  std::array<row<float>, lane_lists> rate{};          ///< Of one member [1/s].
  row<float> external_E{};                            ///< Of the population [1/s].
  row<float> external_I{};                            ///< Of the population [1/s].
  std::array<row<float>, lane_lists> weight{};        ///< [kicks]; divided by the range if voltage-dependent.
  row<std::int32_t> voltage_dependent{};              ///< 0 or -1
  std::array<row<std::int32_t>, lane_lists> begin{};  ///< Of the lists in `items`.
  row<std::int32_t> neurons_E{};                      ///< Where `items` has all E neurons, for external kicks.
  row<std::int32_t> neurons_I{};
  row<std::uint32_t> N_E{};
  row<std::uint32_t> N_I{};
  std::array<row<std::uint32_t>, 3> drawn{};  ///< Random words of the next event: time (of a first one), class, mark.
  row<float> wait{};                          ///< Until the next event, at a total rate of 1: from the first word.
  std::array<row<std::uint32_t>, 4> generator{};  ///< State of those that come then, xoshiro128++.
  std::uint64_t seed;
  std::uint32_t occupied = 0;  ///< Bits of the lanes that have a network, waiting or not.
  std::uint32_t waiting = 0;   ///< Bits of the lanes that start with the next step.

  bool cuts = true;  ///< False: lanes stop at spikes only, so other events need no look.

  std::array<std::array<std::uint64_t, pool_count>, lane_count> reach{};  ///< Connection probability [2^-32].
  std::array<bool, lane_count> has_refractory{};
  std::array<lane_words, lane_count> words;
  std::array<std::array<std::int32_t, lane_lists>, lane_count> capacity{};
  std::vector<std::uint16_t> items;
  /// Of `items`, whose places have 32 bits. Twice what all lanes need whose pools pass max_pending_limit by one spike.
  std::int64_t most_items = INT32_MAX / 2;
  std::vector<lane_potential> potentials;  ///< [block][neuron][lane of the block]
  std::int32_t neuron_capacity = 1;

  explicit lockstep_lanes(std::uint64_t seed);

  /// Gives a lane a network at time 0 with all potentials 0 and empty lists. The lane stays idle.
  void assign(int lane, const parameters& p, std::uint32_t point, std::uint32_t replicate);
  /// Gives a lane other rates, weights and connection probabilities, but for those that wake() sets.
  void set_parameters(int lane, const parameters& p);
  /// Makes a lane do nothing.
  void idle(int lane);
  /// Sets the rates that idle() put out.
  void wake(int lane, const parameters& p);
  /// Makes room for networks of so many neurons.
  void reserve_neurons(std::int32_t neurons);

  std::int32_t count(lane_list k, int lane) const {
    return static_cast<std::int32_t>(size[static_cast<std::size_t>(k)][static_cast<std::size_t>(lane)]);
  }
  /// Pending kicks of all pools.
  std::int64_t pending(int lane) const {
    std::int64_t sum = 0;
    for (int k = 0; k < pool_count; ++k) {
      sum += count(list_of(static_cast<pool>(k)), lane);
    }
    return sum;
  }
  std::uint16_t* list(lane_list k, int lane) {
    return items.data() + begin[static_cast<std::size_t>(k)][static_cast<std::size_t>(lane)];
  }
  lane_potential* block_of(int lane) {
    return potentials.data() + (lane / block_lanes) * std::ptrdiff_t{block_lanes} * neuron_capacity;
  }
  lane_potential& potential(int lane, int neuron) {
    return block_of(lane)[std::ptrdiff_t{block_lanes} * neuron + lane % block_lanes];
  }
  /// Those of all neurons of a lane.
  std::vector<lane_potential> potentials_of(int lane);
  void set_potentials(int lane, std::span<const lane_potential> of_neurons);
  /// Makes room for `wanted` members.
  void reserve(lane_list k, int lane, std::int32_t wanted) {
    if (capacity[static_cast<std::size_t>(lane)][static_cast<std::size_t>(k)] < wanted) {
      grow(k, lane, wanted);
    }
  }

  lane_snapshot save(int lane);
  void restore(int lane, const lane_snapshot& snapshot);
  /// What a lane has besides its snapshot, and besides where its lists and neurons lie.
  template <class Archive>
  void serialize_lane(Archive& archive, int lane);

  /// Whether a lane is to stop at the event that it just had.
  bool stops(int lane) const {
    const auto l = static_cast<std::size_t>(lane);
    const float n = size[static_cast<std::size_t>(lane_list::EE)][l];
    return time[l] <= hold[l] || n >= high[l] || (n <= low[l] && time[l] > expire[l]);
  }

 private:
  void grow(lane_list k, int lane, std::int32_t wanted);
  /// Drops the places that lists have outgrown.
  void pack();

  std::int32_t all_neurons_ = 0;  ///< Where `items` has 0, 1, 2, ...
};

template <class Archive>
void lockstep_lanes::serialize_lane(Archive& archive, int lane) {
  const auto l = static_cast<std::size_t>(lane);
  for (auto* values : {&time, &slice, &hold, &expire, &low, &high, &external_E, &external_I, &wait}) {
    archive&(*values)[l];
  }
  for (auto* lists : {&rate, &weight}) {
    for (auto& values : *lists) {
      archive& values[l];
    }
  }
  for (auto& values : drawn) {
    archive& values[l];
  }
  for (auto& values : generator) {
    archive& values[l];
  }
  archive& voltage_dependent[l] & reach[l] & has_refractory[l] & words[l];
}

/// What the step kernel asks of the one who owns the lanes. `step` counts the steps of the lane's vector.
class lane_control {
 public:
  virtual ~lane_control() = default;
  /// A lane in `waiting` starts: the next step is its first.
  virtual void start(int lane, std::uint64_t step) = 0;
  /// A neuron of the lane spiked; its targets are pending now.
  virtual void fired(int lane, int neuron, bool recurrent) = 0;
  /// The lane came to the end of its slice; the event in hand was dropped.
  virtual void reached(int lane, std::uint64_t step) = 0;
  /// The lane stops at an event.
  virtual void stopped(int lane, std::uint64_t step) = 0;
};

/// Simulates all lanes for `steps` steps from step number `step` on, and returns the number of the step after the last.
/// One step is one event in each lane. The bits do not depend on the instruction set.
std::uint64_t run_lanes(lockstep_lanes& lanes, lane_control& control, std::uint64_t step, std::uint64_t steps);

}  // namespace spikesweep
