#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <vector>

#include <spikesweep/network/ensemble.hpp>
#include <spikesweep/network/phases.hpp>

#include "ensemble_lanes.hpp"

namespace spikesweep {

/// One task in its lane: what sample_task() does, cut into what happens between two stops of the lane.
class lane_task {
 public:
  /// `follow_s`: 0, or how long the network is followed instead of sampling transitions [s].
  lane_task(ensemble_lanes& lanes, int lane, const ensemble_task& task, const section_settings& section,
            const sampling_settings& sampling, double follow_s);

  /// The lane's first step is step number `step`.
  void start(std::uint64_t step);
  void fired(int neuron, bool recurrent);
  /// The slice ended. True if the task did, too.
  bool reached();
  /// The lane stopped at an event. True if the task ended.
  bool stopped();

  /// Roughly the share of its way that the task has come, in [0, 1].
  double share_done() const;

  const ensemble_task& task() const { return task_; }
  /// The result, after the end; `step` is that of the lane now.
  task_result take_result(std::uint64_t step);
  /// The same of a network that was followed.
  exact_run take_run(std::uint64_t step);

 private:
  enum class stage { burn_in, mean_pool, settle, record, foreign, follow };

  /// What an excursion comes back to.
  struct fork_point {
    lane_snapshot network;
    double time;
    std::deque<double> recurrent;
    phase_kind next;
    std::vector<std::int32_t> state;
  };

  double now() const { return base_ + static_cast<double>(lanes_.time[l_]); }
  /// Cuts time into slices from `begin` on; reached() is told when time `stop_` has come.
  void run_to(double begin, double stop);
  void begin_slice();
  void apply_rule();
  /// Whether phases are being cut.
  bool in_phases() const { return stage_ != stage::burn_in && stage_ != stage::mean_pool && stage_ != stage::foreign; }
  void begin_phase();
  void begin_follow();
  bool end_phase(bool capped);
  bool end_burn_in();
  bool end_mean_pool();
  /// Chooses what comes after a section of the network's own trajectory. True if nothing does.
  bool begin_section();
  /// Notes what an excursion comes back to.
  void fork();
  /// Back to it, and on along the network's own trajectory. True if nothing is left to do.
  bool come_back();
  void begin_excursion();
  /// Lets the lane run under the parameters of another point.
  void begin_foreign();
  void end_foreign();
  void begin_record(int perturbed);
  void end_record();
  bool end_excursion();
  bool end(task_state state);
  /// The pending kicks passed their bound. True if that ends the task.
  bool run_away();
  void coarse_grain();
  void perturb();
  void synthesize();
  void insert(lane_list k, int neuron);
  void scale_pool(pool k, double factor);
  void set_parameters(const parameters& p);
  bool runaway() const { return lanes_.pending(lane_) > max_pending_; }

  ensemble_lanes& lanes_;
  int lane_;
  std::size_t l_;
  ensemble_task task_;
  section_settings section_;
  const sampling_settings& sampling_;
  double follow_s_;
  float max_pending_;
  std::array<std::int32_t, 256> cell_of_;  ///< The cell of a population's neuron, by the byte of its potential.
  phase_cutter labels_;                    ///< Knows the fan-out and when an MFE has grown.
  double window_;                          ///< `mfe` [s]
  double slice_s_;                         ///< Longest slice [s].
  random_stream perturbation_;
  task_result result_;
  exact_run run_;

  stage stage_ = stage::burn_in;
  std::uint64_t first_step_ = 0;
  std::int64_t dropped_ = 0;  ///< Steps that were no event.
  double base_ = 0;           ///< Begin of the slice [s].
  double stop_ = 0;           ///< When reached() is to end something [s].
  double natural_end_ = 0;    ///< Of the phase, were there no cap on simulated time [s].
  double limit_;              ///< Phases are cut short here [s].
  bool last_slice_ = false;
  bool failed_ = false;
  double mean_pool_ = 0;      ///< `volley`; a sum while it is measured.
  std::int64_t samples_ = 0;  ///< Behind the mean pool.
  std::deque<double> recurrent_;
  phase_kind next_;
  phase_outcome phase_;
  std::vector<spike_record> spikes_;
  std::vector<std::int32_t> state_;  ///< The coarse-grained state between phases.
  std::int64_t rows_ = 0;
  double rows_s_ = 0;  ///< Of all rows so far [s].
  int perturbed_ = 0;  ///< 0, or the number of the phase in an excursion, or synthetic_mark.
  fork_point fork_;
};

}  // namespace spikesweep
