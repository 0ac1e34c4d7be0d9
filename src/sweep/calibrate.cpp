#include <algorithm>
#include <chrono>
#include <cmath>
#include <numbers>
#include <numeric>
#include <optional>
#include <vector>

#include <spikesweep/network/section_rule.hpp>
#include <spikesweep/network/simulators.hpp>
#include <spikesweep/sweep/cost_model.hpp>
#include <spikesweep/sweep/plan.hpp>

namespace spikesweep {

namespace {

constexpr double ns_per_s = 1e9;
/// Part of the budget in which the trial tasks should end, so that even slow ones do within all of it.
constexpr double task_share = 0.4;
/// On a busy machine it waits for them so many times the budget at most.
constexpr double most_overtime = 1.4;

/// As many points as there are lanes, one from each equal part of the order of expected cost. Where in its part varies
/// with the golden ratio: even distances would fall in step with the structure of a grid or a Sobol sequence, and see
/// one half of an axis only.
std::vector<int> trial_points(const sweep_description& d) {
  std::vector<double> costs;
  costs.reserve(static_cast<std::size_t>(d.points.size()));
  for (int point = 0; point < d.points.size(); ++point) {
    costs.push_back(expected_events(d, point));
  }
  std::vector<int> order(costs.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&costs](int a, int b) {
    return costs[static_cast<std::size_t>(a)] < costs[static_cast<std::size_t>(b)];
  });
  std::vector<int> points;
  const auto lanes = static_cast<std::size_t>(lockstep_simulator::lanes);
  for (std::size_t i = 0; i < lanes && !order.empty(); ++i) {
    const double within = std::fmod(static_cast<double>(i + 1) * std::numbers::phi, 1.0);
    const double place = (static_cast<double>(i) + within) / static_cast<double>(lanes);
    points.push_back(order[static_cast<std::size_t>(place * static_cast<double>(order.size()))]);
  }
  return points;
}

/// The sweep with tasks so short that one a lane should fit into `seconds`.
sweep_description trial_sweep(const sweep_description& d, const std::vector<int>& points, double seconds) {
  const auto expected = [&](std::int64_t transitions) {
    sweep_description part = d;
    part.sampling.transitions = transitions;
    return std::accumulate(points.begin(), points.end(), 0.0,
                           [&part](double sum, int point) { return sum + expected_events(part, point); });
  };
  const double head = expected(0);
  const double affordable = (seconds * ns_per_s / task_calibration().ns_per_event - head) / (expected(1) - head);
  sweep_description trial = d;
  const double most = static_cast<double>(std::max<std::int64_t>(1, d.sampling.transitions));
  trial.sampling.transitions = std::llround(std::clamp(affordable, 1.0, most));
  return trial;
}

/// The work of a task, as its short trial suggests.
struct trial_work {
  double whole_events = 0;  ///< Of the whole task.
  double trial_s = 0;       ///< Simulated by the trial, excursions and all [s].
};

trial_work work_of(const sweep_description& d, const task_result& trial) {
  const double head_s = lead_in_s(d.section, d.sampling.burn_in_s);
  const std::vector<double>& durations = trial.block.duration;
  const auto synthetic = std::ranges::count(trial.block.perturbed, synthetic_mark);
  const double sampled_s = std::accumulate(durations.begin(), durations.end(), 0.0) +
                           static_cast<double>(synthetic) * d.sampling.synthetic_s;
  const double whole_s =
      sampled_s * static_cast<double>(d.sampling.transitions) / static_cast<double>(durations.size());
  return {static_cast<double>(trial.summary.events) * (head_s + whole_s) / (head_s + sampled_s), head_s + sampled_s};
}

}  // namespace

task_calibration calibrate(const sweep_description& d, double budget_s) {
  using clock = std::chrono::steady_clock;
  const std::vector<int> points = trial_points(d);
  task_calibration found;
  if (points.empty()) {
    return found;
  }
  const sweep_description trial = trial_sweep(d, points, task_share * budget_s);
  found.transitions = trial.sampling.transitions;
  std::uint32_t begun = 0;
  double events = 0;
  double of_whole_tasks = 0;
  double expected = 0;
  double events_of_trials = 0;
  double trials_s = 0;
  const auto simulator = make_simulator(d.base.model, d.section, trial.sampling, d.seed);
  const auto start = clock::now();
  const auto elapsed = [start] { return std::chrono::duration<double>(clock::now() - start).count(); };
  // The supply never ends, so that every lane is busy to the last: what attends to spikes costs less in empty ones.
  simulator->run(
      [&]() -> std::optional<network_task> {
        const std::uint32_t i = begun++;
        const int point = points[i % points.size()];
        return network_task{parameters_at(d.points, d.base, point), {d.seed, static_cast<std::uint32_t>(point), i}, i};
      },
      [&](const network_task& task, task_result&& result) {
        events += static_cast<double>(result.summary.events);
        // Of later ones only the quick end in time: they would make all look cheap.
        if (result.state == task_state::done && task.label < static_cast<std::int64_t>(points.size())) {
          const trial_work work = work_of(d, result);
          of_whole_tasks += work.whole_events;
          events_of_trials += static_cast<double>(result.summary.events);
          trials_s += work.trial_s;
          found.trials.push_back({static_cast<int>(task.identity.point), std::move(result.block)});
          expected += expected_events(d, static_cast<int>(task.identity.point));
          ++found.tasks;
        }
      },
      [&] {
        const bool all = found.tasks == static_cast<std::int64_t>(points.size());
        return elapsed() < (all ? 1 : most_overtime) * budget_s;
      });
  found.wall_s = elapsed();
  if (events > 0) {
    found.ns_per_event = found.wall_s * ns_per_s / events;
  }
  if (found.tasks > 0 && expected > 0) {
    found.cost_ratio = of_whole_tasks / expected;
    found.events_per_s = events_of_trials / trials_s;
  }
  return found;
}

}  // namespace spikesweep
