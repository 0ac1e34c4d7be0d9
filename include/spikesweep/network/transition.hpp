#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <Eigen/Core>

#include <spikesweep/base/setting.hpp>
#include <spikesweep/network/state.hpp>

namespace spikesweep {

/// What a phase is. With the `interval` section every phase is a `step`; otherwise `active` (an MFE or a volley)
/// alternates with `quiet`.
enum class phase_kind : std::uint8_t { step = 0, active = 1, quiet = 2 };
inline constexpr int phase_kind_count = 3;
constexpr const char* name_of(phase_kind kind) {
  return kind == phase_kind::step ? "step" : kind == phase_kind::active ? "active" : "quiet";
}

/// Row-major matrix of counts: one transition a row.
using count_matrix = Eigen::Matrix<std::int32_t, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// Shape of a transition.
struct transition_layout {
  state_layout state;
  int time_bins = 10;  ///< Equal parts of a phase in which its spikes are counted (the spike-time profile).

  bool operator==(const transition_layout&) const = default;
};

/// Every setting of a layout: keys of [sweep], and datasets in files.
std::span<const setting<transition_layout>> layout_table();

/// Transitions, a structure of arrays; row i of every member is one transition.
struct transition_block {
  count_matrix before;                  ///< rows x state size
  count_matrix after;                   ///< rows x state size
  count_matrix spikes;                  ///< rows x 2: E and I spikes of the phase
  count_matrix spike_times_E;           ///< rows x time_bins: E spikes in each part of the phase
  count_matrix spike_times_I;           ///< rows x time_bins: I spikes in each part of the phase
  std::vector<double> duration;         ///< [s]
  std::vector<std::uint8_t> phase;      ///< phase_kind
  std::vector<std::uint8_t> perturbed;  ///< 0: own trajectory; k: k-th phase after a perturbation; or synthetic_mark
  std::vector<std::uint8_t> capped;     ///< 1: the phase ended at its cap

  transition_block() = default;
  transition_block(const transition_layout& layout, std::int64_t rows);

  std::int64_t rows() const { return static_cast<std::int64_t>(duration.size()); }
  /// Changes the number of rows, keeping those there are.
  void resize(const transition_layout& layout, std::int64_t rows);
};

/// What a task measured on the network's own trajectory, without its excursions.
struct task_summary {
  double simulated_s = 0;     ///< Length of the trajectory behind the transitions [s].
  std::int64_t spikes_E = 0;  ///< E spikes in it.
  std::int64_t spikes_I = 0;  ///< I spikes in it.
  std::int64_t phases = 0;    ///< Phases that are not quiet.
  std::int64_t capped = 0;    ///< Of these, ended at the cap.
  std::int64_t empty = 0;     ///< Phases of any kind without a spike.
  std::int64_t grown = 0;     ///< MFEs that grew (`mfe` only): see section_rule::grown.
  std::int64_t events = 0;    ///< Network events simulated, burn-in and excursions included.
  std::int64_t left_out = 0;  ///< Excursions that ran away, whose last phase is left out.

  template <class Archive>
  void serialize(Archive& archive, unsigned /*version*/) {
    archive& simulated_s& spikes_E& spikes_I& phases& capped& empty& grown& events& left_out;
  }
};

/// The figures of the network's own trajectory in a task, without its excursions: as predicted_figures() has them, in
/// bins of 1 ms, the peak in the usual band. Segments of the spectrum are 1 s long, or as long as the trajectory if that
/// is shorter. Empty if the task failed.
struct task_figures {
  std::vector<double> values;           ///< NaN where a figure is undefined.
  std::vector<double> standard_errors;  ///< Likewise.

  template <class Archive>
  void serialize(Archive& archive, unsigned /*version*/) {
    archive& values& standard_errors;
  }
};

/// Why a task ended.
enum class task_state : std::uint8_t {
  pending = 0,  ///< Not done yet.
  done = 1,
  runaway = 2,   ///< Failed: the pending kicks passed the stated bound.
  time_cap = 3,  ///< Failed: too few phases within the simulated-time cap.
  crashed = 4    ///< Failed: it ended the process that simulated it, or took too long in one of its own.
};
inline constexpr int task_state_count = 5;

/// The outcome of one task.
struct task_result {
  task_state state = task_state::pending;
  transition_block block;  ///< The transitions, none if the task failed.
  task_summary summary;
  task_figures figures;
};

}  // namespace spikesweep
