#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <spikesweep/network/sampler.hpp>

namespace spikesweep {

/// A task for the ensemble: its own network and its own random numbers.
struct ensemble_task {
  parameters network;
  task_identity identity;
  std::int64_t label = 0;  ///< The caller's; comes back with the result.
};

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
/// Unlike sample_task(), pools that pass `max_pending` fail their task at once, and what an excursion
/// draws is independent of the trajectory that it left. Other tasks do not notice.
class ensemble_sampler {
 public:
  /// The next task, if there is one now; a lane without one asks again later.
  using next_task = std::function<std::optional<ensemble_task>()>;
  /// Takes a finished task; state pending: it was abandoned.
  using finished_task = std::function<void(const ensemble_task& task, task_result&& result)>;
  /// Takes a finished run.
  using finished_run = std::function<void(const ensemble_task& task, exact_run&& run)>;

  /// Networks simulated at a time.
  static int lanes();
  /// Names the law and the random numbers: another version may give other results for the same task.
  static std::string version() { return "lockstep 1"; }

  /// All tasks have to carry this `seed`. Needs valid settings.
  ensemble_sampler(const section_settings& section, const sampling_settings& sampling, std::uint64_t seed);
  ~ensemble_sampler();
  ensemble_sampler(const ensemble_sampler&) = delete;
  ensemble_sampler& operator=(const ensemble_sampler&) = delete;

  /// Simulates until `next` has nothing and every lane is done; a lane whose task ends takes the next at once.
  /// `poll` is called every hundred thousand events or so; returning false from it abandons the tasks in flight and
  /// returns false. Exceptions of the callbacks pass through, and end the sampler's use.
  bool run(const next_task& next, const finished_task& finished, const std::function<bool()>& poll = {});

  /// For `poll` to call: after it, the tasks in flight that are not expected to end within so many seconds, from the
  /// pace and the share of their way so far, are abandoned.
  void drop_slow(double seconds);

  /// The same, but follows each network for `seconds` after its burn-in (with `volley` also after the measurement of
  /// the mean pool) instead of sampling transitions.
  bool follow(double seconds, const next_task& next, const finished_run& finished,
              const std::function<bool()>& poll = {});

 private:
  class implementation;
  std::unique_ptr<implementation> implementation_;
};

/// One task alone, in one lane: the same bits as in company, at a fraction of the speed.
task_result sample_task_ensemble(const parameters& p, const section_settings& section,
                                 const sampling_settings& sampling, const task_identity& task,
                                 const std::function<bool()>& poll = {});

}  // namespace spikesweep
