#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include <spikesweep/base/error.hpp>
#include <spikesweep/sweep/scheduler.hpp>

namespace spikesweep {

namespace {

// Tasks of one cost differ in wall time by their randomness and by what else runs on the machine.
constexpr double deadline_margin = 1.5;

}  // namespace

scheduler::scheduler(std::vector<scheduled_task> tasks, int shares, int width)
    : waiting_(std::move(tasks)), shares_(shares), width_(width) {
  if (shares < 1 || width < 1) {
    throw internal_error("a scheduler for " + std::to_string(shares) + " ranks of " + std::to_string(width) + " tasks");
  }
  sort();
}

void scheduler::sort() {
  std::sort(waiting_.begin(), waiting_.end(), [](const scheduled_task& a, const scheduled_task& b) {
    return a.cost != b.cost ? a.cost < b.cost : a.task > b.task;
  });
  waiting_cost_ = 0;
  for (const scheduled_task& t : waiting_) {
    waiting_cost_ += t.cost;
  }
}

void scheduler::estimate(const std::function<double(std::int64_t task)>& cost) {
  for (scheduled_task& t : waiting_) {
    t.cost = cost(t.task);
  }
  sort();
}

bool scheduler::fits(double cost, double seconds_left) const {
  return deadline_margin * expected_s(cost) <= seconds_left;
}

std::vector<std::int64_t> scheduler::take(int most, double seconds_left) {
  if (stopped_) {
    return {};
  }
  // The longest that fits; shorter ones come before it.
  const auto last = std::partition_point(waiting_.begin(), waiting_.end(),
                                         [&](const scheduled_task& t) { return fits(t.cost, seconds_left); });
  // Sizes are spread, or ranks that got bundles together would come back together. Multiples of the golden ratio fill
  // [0, 1) evenly.
  constexpr double golden_ratio = 0.6180339887498949;
  const double spread = std::fmod(static_cast<double>(bundles_++) * golden_ratio, 1);
  const double most_cost = waiting_cost_ / (2 * shares_ * (1 + spread));
  const double least_s = shares_ * (1 + spread / 2) / max_requests_per_s;  // 800 a second in the mean.
  const auto least = static_cast<std::size_t>(std::clamp<std::int64_t>(waiting() / shares_, 1, width_));
  std::vector<std::int64_t> bundle;
  double cost = 0;
  auto next = last;
  while (next != waiting_.begin() && static_cast<int>(bundle.size()) < most) {
    const scheduled_task& candidate = *std::prev(next);
    // Tasks of a bundle start as others end: one that is not the first waits for those before it.
    if (!bundle.empty() && !fits(candidate.cost + cost / width_, seconds_left)) {
      break;
    }
    // Were all bundles of this size, as many would be asked for in the time that one takes as there are ranks.
    const bool asks_too_often = finished_cost_ > 0 && expected_s(cost) / width_ < least_s;
    if (bundle.size() >= least && cost + candidate.cost > most_cost && !asks_too_often) {
      break;
    }
    --next;
    bundle.push_back(next->task);
    cost += next->cost;
    running_cost_[next->task] = next->cost;
  }
  waiting_.erase(next, last);
  waiting_cost_ = std::max(0.0, waiting_cost_ - cost);
  running_total_ += cost;
  return bundle;
}

void scheduler::finished(std::int64_t task, double wall_s) {
  const auto found = running_cost_.find(task);
  if (found == running_cost_.end()) {
    throw internal_error("task " + std::to_string(task) + " ended but was not handed out");
  }
  finished_cost_ += found->second;
  finished_s_ += wall_s;
  running_total_ = std::max(0.0, running_total_ - found->second);
  running_cost_.erase(found);
}

}  // namespace spikesweep
