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

/// A bundle is a quarter to an eighth of a fair share of the work that is left. In the cluster of
/// tests/sweep/made_up_cluster.hpp, halves to quarters cost 2 % of the time, because slow ranks keep tasks waiting.
constexpr double most_part = 0.25;

/// A rank that takes so many times as long as the others for the same work is slow. Ranks of the same kind differ by
/// less.
constexpr double slow_pace = 1.2;

}  // namespace

/// What a rank that asks for a bundle may get.
struct scheduler::request {
  double pace = 1;          ///< How many times as long as the others the rank takes; 1 while nothing is known.
  bool slow = false;        ///< The pace counts.
  double left_s = 0;        ///< Until all work is expected to be done [s].
  std::size_t least = 1;    ///< Tasks.
  double most_cost = 0;     ///< Unless the ranks would ask too often.
  double most_often = 0;    ///< The same, even if they would.
  double least_s = 0;       ///< A shorter bundle would make all ranks ask too often [s].
  double least_last_s = 0;  ///< The same shortly before the end [s].
};

scheduler::scheduler(std::vector<scheduled_task> tasks, int shares, int width)
    : waiting_(std::move(tasks)), shares_(shares), width_(width) {
  if (shares < 1 || width < 1) {
    throw internal_error("a scheduler for " + std::to_string(shares) + " ranks of " + std::to_string(width) + " tasks");
  }
  ranks_.resize(static_cast<std::size_t>(shares));
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
  waiting_.insert(waiting_.end(), too_long_.begin(), too_long_.end());
  too_long_.clear();
  for (scheduled_task& t : waiting_) {
    t.cost = cost(t.task);
  }
  sort();
  running_total_ = 0;
  for (auto& [task, running] : running_) {
    running.cost = cost(task);
    running_total_ += running.cost;
  }
  estimated_ = true;
}

double scheduler::expected_s(double cost) const {
  // The first guesses of costs may all be wrong by one factor, which cancels out. Later costs are not, and must not be
  // divided by first guesses.
  const double of_finished = estimated_ && finished_work_ > 0 ? finished_work_ : finished_cost_;
  return of_finished > 0 ? cost * finished_s_ / of_finished : 0;
}

bool scheduler::fits(double cost, double seconds_left) const {
  return deadline_margin * expected_s(cost) <= seconds_left;
}

void scheduler::set_too_long_aside(double seconds_left) {
  while (!waiting_.empty() && !fits(waiting_.back().cost, seconds_left)) {
    too_long_.push_back(waiting_.back());
    waiting_.pop_back();
  }
  while (!too_long_.empty() && fits(too_long_.back().cost, seconds_left)) {
    waiting_.push_back(too_long_.back());
    too_long_.pop_back();
  }
}

/// `before`: cost of the tasks of the bundle that come first. They start as others end, and so does this one.
bool scheduler::ends_with_the_others(const request& of, double cost, double before) const {
  return !of.slow || of.pace * (expected_s(cost) + expected_s(before + cost) / width_) <= of.left_s;
}

/// Whether a bundle is large enough, so that the next task would be one too many.
bool scheduler::is_enough(const request& of, std::size_t tasks, double cost, double next_cost) const {
  if (tasks < of.least || cost + next_cost <= of.most_cost) {
    return false;
  }
  // Were all bundles of this size, as many would be asked for in the time that one takes as there are ranks.
  const double bundle_s = of.pace * expected_s(cost) / width_;
  const bool asks_too_often =
      bundle_s < of.least_last_s || (bundle_s < of.least_s && cost + next_cost <= of.most_often);
  return finished_s_ <= 0 || !asks_too_often;
}

std::vector<std::int64_t> scheduler::take(int most, double seconds_left, int rank) {
  if (stopped_) {
    return {};
  }
  set_too_long_aside(seconds_left);
  rank_record& asking = ranks_.at(static_cast<std::size_t>(rank));
  // Sizes are spread, or ranks that got bundles together would come back together. Multiples of the golden ratio fill
  // [0, 1) evenly.
  constexpr double golden_ratio = 0.6180339887498949;
  const double spread = std::fmod(static_cast<double>(bundles_++) * golden_ratio, 1);
  const double fair_share = waiting_cost_ / shares_;
  request of;
  of.pace = asking.work > 0 ? asking.work_s / asking.work * finished_work_ / finished_s_ : 1;
  of.slow = rank != 0 && of.pace > slow_pace;
  of.left_s = left_s();
  // As long as the pace of a rank is not known, a second task to spare may be one too many.
  const std::int64_t filling = width_ + (asking.work > 0 ? 0 : 1) - asking.in_hand;
  of.least =
      static_cast<std::size_t>(std::clamp<std::int64_t>(waiting() / shares_, 1, std::max<std::int64_t>(1, filling)));
  of.most_cost = asking.work > 0 ? most_part * fair_share / ((1 + spread) * std::max(1.0, of.pace)) : 0;
  of.most_often = most_part * fair_share;
  of.least_s = shares_ * (1 + spread / 2) / max_requests_per_s;  // 800 a second in the mean.
  of.least_last_s = shares_ * (1 + spread / 2) / max_last_requests_per_s;

  std::vector<std::int64_t> bundle;
  double cost = 0;
  const auto last = std::partition_point(waiting_.begin(), waiting_.end(),
                                         [&](const scheduled_task& t) { return ends_with_the_others(of, t.cost, 0); });
  auto next = last;
  while (next != waiting_.begin() && static_cast<int>(bundle.size()) < most) {
    const scheduled_task& candidate = *std::prev(next);
    // Tasks of a bundle start as others end: one that is not the first waits for those before it.
    const bool in_time = bundle.empty() || (fits(candidate.cost + cost / width_, seconds_left) &&
                                            ends_with_the_others(of, candidate.cost, cost));
    if (!in_time || is_enough(of, bundle.size(), cost, candidate.cost)) {
      break;
    }
    --next;
    bundle.push_back(next->task);
    cost += next->cost;
    running_[next->task] = {next->cost, rank};
  }
  waiting_.erase(next, last);
  waiting_cost_ = std::max(0.0, waiting_cost_ - cost);
  running_total_ += cost;
  asking.in_hand += static_cast<std::int64_t>(bundle.size());
  return bundle;
}

void scheduler::finished(std::int64_t task, double wall_s, double work) {
  const auto found = running_.find(task);
  if (found == running_.end()) {
    throw internal_error("task " + std::to_string(task) + " ended but was not handed out");
  }
  const auto [cost, rank] = found->second;
  rank_record& by = ranks_[static_cast<std::size_t>(rank)];
  --by.in_hand;
  running_total_ = std::max(0.0, running_total_ - cost);
  finished_cost_ += cost;
  finished_work_ += work > 0 ? work : cost;
  finished_s_ += wall_s;
  if (work > 0) {
    by.work += work;
    by.work_s += wall_s;
  }
  running_.erase(found);
}

}  // namespace spikesweep
