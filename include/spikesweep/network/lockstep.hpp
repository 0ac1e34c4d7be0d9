#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include <spikesweep/network/task_simulator.hpp>

namespace spikesweep {

/// The lockstep simulator: sixteen exact networks at a time on one core, one per lane of SIMD vectors, one event per
/// lane and step. A task's result has the law of sample_task()'s with other random numbers. It is a function of the
/// task, the section and the settings alone: never of the lane, of the other lanes, or of the instruction set.
///
/// What is exact, and what is rounded. The seven classes of events, the lists of pending kicks with their targets, the
/// rounding of weights and the stopping times are the oracle's. A list is kept in uniformly random order (an entry that
/// is added goes to a random place), so its last entry is a uniform member: the order of what is left is independent of
/// what was taken. An event past the end of a slice of time is dropped and drawn again, as the exponential law allows.
/// Random numbers are of xoshiro128++ generators of the task's own, seeded by its Philox stream: 2^128 long, so that
/// two tasks' overlap nowhere that matters. The biases, each relative to what it biases:
///   - class of an event: 31-bit uniform and float sums, below 4e-7 of the total rate, of no constant sign;
///   - waiting time: 31-bit uniform and a float logarithm, below 2e-7 of its mean; it ends at 22 means (chance 2e-10);
///   - time: float in a slice of about 4000 external kicks, double beyond; rounds to 2e-4 of a waiting time, unbiased;
///   - uniform neuron of n, random place in a list of n: n 2^-32;
///   - rounding of a weight: 24-bit uniform, 6e-8 of a kick; connection probability: 2^-32.
/// An error of 4e-7 of a rate shows above the scatter of counts only after some 10^12 events of that class.
///
/// Two things differ from sample_task(): pools that pass `max_pending` fail their task at once, and what an excursion
/// draws is independent of the trajectory that it left.
class lockstep_simulator : public network_simulator {
 public:
  /// Networks simulated at a time.
  static constexpr int lanes = 16;

  /// All tasks have to carry this `seed`. Needs valid settings.
  lockstep_simulator(const section_settings& section, const sampling_settings& sampling, std::uint64_t seed);
  ~lockstep_simulator() override;
  lockstep_simulator(const lockstep_simulator&) = delete;
  lockstep_simulator& operator=(const lockstep_simulator&) = delete;

  int width() const override { return lanes; }
  /// A lane whose task ends takes the next one at once. `poll` is called about every hundred thousand events.
  bool run(const next_task& next, const finished_task& finished, const std::function<bool()>& poll = {}) override;
  /// Judges by the pace of each task and by the share of its way that it has come.
  void drop_slow(double seconds) override;
  bool save(const take_unfinished& take) override;
  bool follow(double seconds, const next_task& next, const finished_run& finished,
              const std::function<bool()>& poll = {}) override;

 private:
  class implementation;
  std::unique_ptr<implementation> implementation_;
};

/// One task alone, in one lane: the same bits as in company, at a fraction of the speed.
task_result sample_task_lockstep(const parameters& p, const section_settings& section,
                                 const sampling_settings& sampling, const task_identity& task,
                                 const std::function<bool()>& poll = {});

}  // namespace spikesweep
