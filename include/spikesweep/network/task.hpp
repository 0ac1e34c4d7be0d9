#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <spikesweep/network/parameters.hpp>
#include <spikesweep/network/phase_record.hpp>
#include <spikesweep/network/section.hpp>
#include <spikesweep/network/simulation.hpp>
#include <spikesweep/network/transition.hpp>

namespace spikesweep {

/// The highest bound on pending kicks that settings may state: what the lockstep simulator can hold.
inline constexpr std::int64_t max_pending_limit = 4'000'000;

/// Mark of the phase that starts from a synthetic state, where those after a perturbation are counted from 1.
inline constexpr int synthetic_mark = 255;
inline constexpr int max_perturb_phases = synthetic_mark - 1;

/// How a task samples transitions.
struct sampling_settings {
  transition_layout layout;
  simulation_settings simulation;
  std::int64_t transitions = 400;  ///< Rows that one task yields.
  double burn_in_s = 0.3;          ///< Simulated before the first transition [s].
  double perturb_share = 0.05;     ///< Chance that an excursion from a perturbed state starts at a section, in [0,1].
  int perturb_phases = 3;          ///< Phases that an excursion is followed for.
  /// Chance that an excursion of one phase from a synthetic state starts at a section instead, in [0,1]. The state is
  /// that of a copy of the network that ran under other parameters of `swept`, then changed by its synthesize().
  double synthetic_share = 0;
  double synthetic_s = 0.03;           ///< Simulated under the other parameters [s].
  int synthetic_modes = 8;             ///< The lowest mode of the voltage histograms that a synthetic state changes.
  double max_simulated_s = 600;        ///< A task that needs longer fails with time_cap [s].
  std::int64_t max_pending = 1000000;  ///< A task whose pending kicks pass this fails with runaway.
  /// Of the training points, for synthetic states. No setting but a consequence of the design; none: their parameters
  /// are the task's own.
  std::vector<swept_range> swept;
};

/// Every setting of sampling itself, without those of layout and simulation: keys of [sweep], and datasets of /sampling
/// in the sweep file.
std::span<const setting<sampling_settings>> sampling_table();

/// Identity of a task: its randomness is a function of this alone.
struct task_identity {
  std::uint64_t seed = 0;
  std::uint32_t point = 0;
  std::uint32_t replicate = 0;
};

/// How far a task has come, for going on with it later. Only the same simulator, of the same version and with the same
/// settings, can do so, and only with the same task.
struct task_progress {
  std::string state;  ///< All but the transitions so far.
  /// Of these the ones that were not handed over before, if any: bytes, in parts that belong together one behind the
  /// other. They lie in the simulator, and only until the call that hands them over returns.
  std::vector<std::span<const std::byte>> rows;
};

/// Calls `take` with the bytes of each of the task_progress::rows of a task that are not empty, in the order in which
/// they were handed over.
using kept_rows = std::function<void(const std::function<void(const std::string& rows)>& take)>;

/// Where a task goes on: its last task_progress::state, and all rows that were handed over until then. A simulator
/// needs the rows at the end of the task alone, and does not read them before: they may be many.
struct kept_progress {
  std::string state;
  kept_rows rows;  ///< What it throws passes through the simulator.
};

/// A task with its network: what a simulator takes.
struct network_task {
  parameters network;
  task_identity identity;
  std::int64_t label = 0;  ///< The caller's; comes back with the result.
  /// Where the simulator goes on; null: it begins.
  std::shared_ptr<const kept_progress> progress = {};
};

/// A task as it stands in the middle of its work.
struct unfinished_task {
  std::int64_t label = 0;   ///< Of its network_task.
  double share_done = 0;    ///< Roughly, of its way, in [0, 1].
  std::int64_t events = 0;  ///< Network events simulated so far.
  task_progress progress;
};

/// A network that was followed through its phases, all its spikes noted.
struct exact_run {
  task_state state = task_state::pending;  ///< done, runaway, or pending: abandoned.
  double begin = 0;                        ///< Of the first phase: after the burn-in [s].
  std::vector<spike_record> spikes;        ///< From then on, in order of time.
  std::vector<phase_record> phases;        ///< From then on, those that ended.
  std::int64_t events = 0;                 ///< Network events simulated, burn-in included.
};

}  // namespace spikesweep
