#include <algorithm>

#include <spikesweep/network/simulators.hpp>
#include <spikesweep/store/sweep_file.hpp>
#include <spikesweep/sweep/cost_model.hpp>
#include <spikesweep/sweep/plan.hpp>

namespace spikesweep {

double sweep_plan::wall_s(int ranks) const {
  if (tasks == 0) {
    return 0;
  }
  // A task takes as long alone in its lane as with others beside it. At the end lanes run empty: on average, each loses
  // half a task's time.
  const double lanes = width;
  const double task_s = core_s / static_cast<double>(tasks) * lanes;
  const double used = std::min(static_cast<double>(tasks), lanes * std::max(ranks, 1));
  return static_cast<double>(tasks) * task_s / used + (used < static_cast<double>(tasks) ? 0.5 * task_s : 0);
}

sweep_plan plan_sweep(const sweep_description& d, const task_calibration& calibration) {
  constexpr double s_per_ns = 1e-9;
  sweep_plan plan;
  plan.points = d.points.size();
  for (const point_role role : d.points.roles) {
    ++(role == point_role::train  ? plan.train_points
       : role == point_role::test ? plan.test_points
                                  : plan.selection_points);
  }
  plan.width = simulator_of_tasks(d.base.model, d.sampling.simulation).width;
  plan.tasks = d.tasks();
  plan.samples = d.rows();
  plan.disk_bytes = sweep_file_bytes(d);
  const transition_layout& layout = d.sampling.layout;
  const auto counts = static_cast<std::uint64_t>(2 * layout.state.size() + 2 + 2 * layout.time_bins);
  constexpr std::uint64_t other_bytes = sizeof(double) + 3 * sizeof(std::uint8_t);
  plan.memory_bytes = static_cast<std::uint64_t>(plan.width) * static_cast<std::uint64_t>(d.sampling.transitions) *
                      (counts * sizeof(std::int32_t) + other_bytes);
  for (int point = 0; point < d.points.size(); ++point) {
    plan.events += d.replicates * expected_events(d, point);
  }
  plan.events *= calibration.cost_ratio;
  plan.core_s = plan.events * calibration.ns_per_event * s_per_ns;
  plan.calibration = calibration;
  return plan;
}

}  // namespace spikesweep
