#include <algorithm>
#include <chrono>
#include <numeric>
#include <vector>

#include <spikesweep/network/sampler.hpp>
#include <spikesweep/sweep/plan.hpp>
#include <spikesweep/sweep/scheduler.hpp>

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

task_calibration calibrate(const sweep_description& d, int tasks, double budget_s) {
  using clock = std::chrono::steady_clock;
  const auto start = clock::now();
  const auto elapsed = [start] { return std::chrono::duration<double>(clock::now() - start).count(); };
  sweep_description probe = d;
  probe.sampling.transitions = std::min(probe_transitions, d.sampling.transitions);
  task_calibration found;
  double events = 0;
  double expected = 0;
  double wall_s = 0;
  for (const int point : probe_points(d)) {
    if (found.tasks >= tasks || (found.tasks > 0 && elapsed() > budget_s)) {
      break;
    }
    const double before = elapsed();
    const task_result result =
        sample_task(parameters_at(d.points, d.base, point), d.section, probe.sampling,
                    {d.seed, static_cast<std::uint32_t>(point), 0}, [&] { return elapsed() < budget_s; });
    if (result.state == task_state::done) {
      events += static_cast<double>(result.summary.events);
      expected += expected_events(probe, point);
      wall_s += elapsed() - before;
      ++found.tasks;
    }
  }
  if (events > 0 && expected > 0) {
    found.ns_per_event = wall_s * ns_per_s / events;
    found.cost_ratio = events / expected;
  }
  return found;
}

}  // namespace spikesweep
