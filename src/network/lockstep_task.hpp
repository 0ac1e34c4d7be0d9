#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "lockstep_lanes.hpp"
#include "task_procedure.hpp"

namespace spikesweep {

/// One task in its lane: does what its procedure wishes, between two stops of the lane.
class lane_task final : public task_network {
 public:
  /// `follow_s`: 0, or how long the network is followed instead of sampling transitions [s].
  lane_task(lockstep_lanes& lanes, int lane, const network_task& task, const section_settings& section,
            const sampling_settings& sampling, double follow_s);
  lane_task(const lane_task&) = delete;
  lane_task& operator=(const lane_task&) = delete;

  /// The lane's first step is step number `step`.
  void start(std::uint64_t step);
  void fired(int neuron, bool recurrent);
  /// The slice ended. True if the task did, too.
  bool reached();
  /// The lane stopped at an event. True if the task ended.
  bool stopped();

  /// The task as it stands; `step` is that of the lane now.
  unfinished_task save(std::uint64_t step);
  /// Instead of start(): goes on from where the task was saved. The lane's next step is step number `step`.
  void resume(std::uint64_t step);

  /// Roughly the share of its way that the task has come, in [0, 1].
  double share_done() const { return procedure_.share_done(time()); }

  const network_task& task() const { return task_; }
  /// The result, after the end; `step` is that of the lane now.
  task_result take_result(std::uint64_t step) { return procedure_.take_result(events(step)); }
  /// The same of a network that was followed.
  exact_run take_run(std::uint64_t step) { return procedure_.take_run(events(step)); }

  double time() const override { return base_ + static_cast<double>(lanes_.time[l_]); }
  bool ran_away() const override { return lanes_.pending(lane_) > max_pending_; }
  void coarse_grain(std::span<std::int32_t> state) const override;
  void fork() override;
  void come_back() override;
  double put_clock_back() override;
  void perturb(random_stream& stream) override;
  void change_parameters(const parameters& p) override;
  void synthesize(random_stream& stream) override;

 private:
  using wish = task_procedure::wish;

  /// Begins what the procedure wishes next. True if that is nothing.
  bool go_on();
  void run_to(double stop);
  /// Cuts time into slices; reached() is told when time `stop_` has come.
  void begin_slice();
  void set_levels();
  bool look_at_pool();
  void set_clock(double time);
  template <class Archive>
  void serialize(Archive& archive);
  std::int64_t events(std::uint64_t step) const { return static_cast<std::int64_t>(step - first_step_) - dropped_; }
  void insert(lane_list k, int neuron, random_stream& stream);
  void scale_pool(pool k, double factor, random_stream& stream);

  lockstep_lanes& lanes_;
  int lane_;
  std::size_t l_;
  network_task task_;
  const sampling_settings& sampling_;
  std::int64_t max_pending_;
  std::array<std::int32_t, 256> cell_of_;  ///< The cell of a population's neuron, by the byte of its potential.
  std::array<std::int32_t, 256> target_cell_of_{};  ///< Likewise, the target cell.
  double slice_s_;                                  ///< Longest slice [s].
  task_procedure procedure_;

  std::uint64_t first_step_ = 0;
  std::int64_t dropped_ = 0;  ///< Steps that were no event.
  double base_ = 0;           ///< Begin of the slice [s].
  double stop_ = 0;           ///< When reached() is to end something [s].
  bool last_slice_ = false;
  bool failed_ = false;  ///< The pending kicks passed their bound at the last spike.
  double pool_sum_ = 0;  ///< Of the pending E-to-E kicks at each look.
  std::int64_t pool_looks_ = 0;
  lane_snapshot fork_network_;
  double fork_time_ = 0;  ///< [s]
};

}  // namespace spikesweep
