#pragma once

#include <cstdint>
#include <type_traits>

#include <spikesweep/network/task.hpp>

namespace spikesweep::testing {

/// FNV-1a, 64 bits, of values without their padding.
class checksum {
 public:
  template <class T>
  void add(const T& value) {
    static_assert(std::is_arithmetic_v<T> || std::is_enum_v<T>);
    const auto* bytes = reinterpret_cast<const unsigned char*>(&value);
    for (std::size_t i = 0; i < sizeof(T); ++i) {
      hash_ = (hash_ ^ bytes[i]) * 0x100000001b3ULL;
    }
  }
  template <class Items>
  void add_all(const Items& items) {
    for (const auto& item : items) {
      add(item);
    }
  }
  void add(const count_matrix& counts) {
    for (Eigen::Index i = 0; i < counts.size(); ++i) {
      add(counts.data()[i]);
    }
  }
  void add(const task_result& result) {
    add(result.state);
    const auto& block = result.block;
    for (const auto* m : {&block.before, &block.after, &block.spikes, &block.spike_times_E, &block.spike_times_I}) {
      add(*m);
    }
    add_all(block.duration);
    add_all(block.phase);
    add_all(block.perturbed);
    add_all(block.capped);
    const auto& s = result.summary;
    add(s.simulated_s);
    for (const std::int64_t count : {s.spikes_E, s.spikes_I, s.phases, s.capped, s.empty, s.grown, s.events}) {
      add(count);
    }
  }
  void add(const exact_run& run) {
    add(run.state);
    add(run.events);
    if (run.state == task_state::done) {
      add(run.begin);
    }
    for (const auto& spike : run.spikes) {
      add(spike.time);
      add(spike.neuron);
    }
    for (const auto& phase : run.phases) {
      add(phase.kind);
      add(phase.begin);
      add(phase.end);
      add(phase.capped);
      add(phase.pending_at_start);
      add(phase.pending_peak);
      add(phase.spikes_E);
      add(phase.spikes_I);
    }
  }

  std::uint64_t value() const { return hash_; }

 private:
  std::uint64_t hash_ = 0xcbf29ce484222325ULL;
};

}  // namespace spikesweep::testing
