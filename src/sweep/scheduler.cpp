#include <algorithm>
#include <string>
#include <utility>

#include <spikesweep/base/error.hpp>
#include <spikesweep/sweep/scheduler.hpp>

namespace spikesweep {

namespace {

// Measured at the canonical and the cai2021 sets: 1.7 events in all for each external kick.
constexpr double events_per_kick = 1.7;
// `mfe` and `volley`: about 41 events a second at the canonical set, each an active and a quiet phase.
constexpr double mean_phase_s = 0.012;
// Tasks of one cost differ in wall time by their randomness and by what else runs on the machine.
constexpr double deadline_margin = 1.5;
constexpr double ms_per_s = 1000;

}  // namespace

double expected_events(const sweep_description& d, int point) {
  const parameters p = parameters_at(d.points, d.base, point);
  const double phase_s = d.section.kind == section_kind::interval ? d.section.interval_ms / ms_per_s : mean_phase_s;
  const double simulated_s = d.sampling.burn_in_s + static_cast<double>(d.sampling.transitions) * phase_s;
  return events_per_kick * (p.lambda_E * p.N_E + p.lambda_I * p.N_I) * simulated_s;
}

scheduler::scheduler(std::vector<scheduled_task> tasks, int shares, int width)
    : waiting_(std::move(tasks)), shares_(shares), width_(width) {
  if (shares < 1 || width < 1) {
    throw internal_error("a scheduler for " + std::to_string(shares) + " ranks of " + std::to_string(width) + " tasks");
  }
  std::sort(waiting_.begin(), waiting_.end(), [](const scheduled_task& a, const scheduled_task& b) {
    return a.cost != b.cost ? a.cost < b.cost : a.task > b.task;
  });
  std::erase_if(waiting_, [this](const scheduled_task& t) {
    if (t.suspect) {
      suspects_.push_back(t);
    } else {
      waiting_cost_ += t.cost;
    }
    return t.suspect;
  });
}

bool scheduler::fits(double cost, double seconds_left) const {
  return deadline_margin * expected_s(cost) <= seconds_left;
}

std::optional<std::int64_t> scheduler::take_suspect(double seconds_left) {
  if (stopped_ || suspects_.empty() || !fits(suspects_.back().cost, seconds_left)) {
    return std::nullopt;
  }
  const scheduled_task next = suspects_.back();
  suspects_.pop_back();
  running_cost_[next.task] = next.cost;
  return next.task;
}

std::vector<std::int64_t> scheduler::take(int most, double seconds_left) {
  std::vector<std::int64_t> bundle;
  const double fair_half = waiting_cost_ / (2.0 * shares_);
  double cost = 0;
  for (std::size_t i = waiting_.size(); i-- > 0 && !stopped_ && static_cast<int>(bundle.size()) < most;) {
    const scheduled_task next = waiting_[i];
    // Tasks of a bundle start as others end: one that is not the first waits for those before it.
    if (!fits(next.cost + cost / width_, seconds_left)) {
      continue;  // A shorter one may still fit.
    }
    if (!bundle.empty() && cost + next.cost > fair_half) {
      break;
    }
    bundle.push_back(next.task);
    cost += next.cost;
    running_cost_[next.task] = next.cost;
    waiting_.erase(waiting_.begin() + static_cast<std::ptrdiff_t>(i));
  }
  waiting_cost_ = std::max(0.0, waiting_cost_ - cost);
  return bundle;
}

void scheduler::finished(std::int64_t task, double wall_s) {
  const auto found = running_cost_.find(task);
  if (found == running_cost_.end()) {
    throw internal_error("task " + std::to_string(task) + " ended but was not handed out");
  }
  finished_cost_ += found->second;
  finished_s_ += wall_s;
  running_cost_.erase(found);
}

}  // namespace spikesweep
