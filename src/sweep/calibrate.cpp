#include <algorithm>
#include <chrono>
#include <numeric>
#include <optional>
#include <vector>

#include <spikesweep/network/ensemble.hpp>
#include <spikesweep/sweep/cost_model.hpp>
#include <spikesweep/sweep/plan.hpp>

namespace spikesweep {

namespace {

constexpr std::int64_t probe_transitions = 40;
constexpr double ns_per_s = 1e9;

/// Points by expected cost: cheapest, costliest, middle, then the rest.
std::vector<int> probe_points(const sweep_description& d) {
  std::vector<int> order(static_cast<std::size_t>(d.points.size()));
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&d](int a, int b) { return expected_events(d, a) < expected_events(d, b); });
  if (order.size() > 2) {
    std::swap(order[1], order.back());
    std::swap(order[2], order[order.size() / 2]);
  }
  return order;
}

}  // namespace

task_calibration calibrate(const sweep_description& d, double budget_s) {
  using clock = std::chrono::steady_clock;
  sweep_description probe = d;
  probe.sampling.transitions = std::min(probe_transitions, d.sampling.transitions);
  const std::vector<int> points = probe_points(d);
  task_calibration found;
  if (points.empty()) {
    return found;
  }
  // One task a lane.
  const auto lanes = static_cast<std::uint32_t>(ensemble_sampler::lanes());
  std::uint32_t begun = 0;
  double events = 0;
  double most_events = 0;
  double expected = 0;
  ensemble_sampler sampler(d.section, probe.sampling, d.seed);
  const auto start = clock::now();
  const auto elapsed = [start] { return std::chrono::duration<double>(clock::now() - start).count(); };
  double last_s = 0;
  sampler.run(
      [&]() -> std::optional<ensemble_task> {
        if (begun == lanes) {
          return std::nullopt;
        }
        const std::uint32_t i = begun++;
        const int point = points[i % points.size()];
        return ensemble_task{
            parameters_at(d.points, d.base, point), {d.seed, static_cast<std::uint32_t>(point), i}, point};
      },
      [&](const ensemble_task& task, task_result&& result) {
        if (result.state == task_state::done) {
          const auto of_task = static_cast<double>(result.summary.events);
          events += of_task;
          most_events = std::max(most_events, of_task);
          expected += expected_events(probe, static_cast<int>(task.label));
          last_s = elapsed();
          ++found.tasks;
        }
      },
      [&] { return elapsed() < budget_s; });
  if (events > 0 && expected > 0) {
    // A step takes as long with a few lanes as with all: what counts is the lane that took longest.
    found.ns_per_event = last_s * ns_per_s / (most_events * lanes);
    found.cost_ratio = events / expected;
  }
  return found;
}

}  // namespace spikesweep
