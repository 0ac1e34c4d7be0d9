#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <unordered_map>
#include <vector>

namespace spikesweep {

/// A task to be scheduled.
struct scheduled_task {
  std::int64_t task = 0;
  double cost = 1;  ///< Expected work, in any unit common to all tasks; above 0.
};

/// Guided self-scheduling (Polychronopoulos & Kuck 1987, IEEE Trans. Comput. 36:1425): decides which tasks are handed
/// out next, longest expected first, in bundles that shrink as the work runs out, but no further than the rank that
/// hands out can stand. Knows nothing of ranks or messages.
class scheduler {
 public:
  /// Most tasks of a bundle: a rank's work for a second or more, unless tasks are very short.
  static constexpr int max_bundle = 4096;
  /// Bundles are large enough that all ranks together ask no more often [1/s].
  static constexpr double max_requests_per_s = 1000;

  /// `shares`: among how many ranks the work is divided; `width`: how many tasks each has in hand. At least 1.
  scheduler(std::vector<scheduled_task> tasks, int shares, int width = 1);

  /// The next bundle: at least one task, at most `most`, and no more than half of a fair share of the work that is
  /// left, unless so little would make the ranks ask too often. Only tasks that are expected to end within
  /// `seconds_left`. Empty when there is nothing (more) to hand out.
  std::vector<std::int64_t> take(int most = max_bundle, double seconds_left = std::numeric_limits<double>::infinity());
  /// A task that was handed out ended after so much wall time: refines what the others are expected to take.
  void finished(std::int64_t task, double wall_s);
  /// Replaces the cost of every task that was not handed out.
  void estimate(const std::function<double(std::int64_t task)>& cost);
  /// Hands out nothing any more.
  void stop() { stopped_ = true; }

  /// Tasks not handed out yet.
  std::int64_t waiting() const { return static_cast<std::int64_t>(waiting_.size()); }
  /// Expected wall time of a task of such a cost; 0 before the first one ended [s].
  double expected_s(double cost) const { return finished_cost_ > 0 ? cost * finished_s_ / finished_cost_ : 0; }
  /// Expected wall time until every task ended, those handed out half done; 0 before the first one ended [s].
  double left_s() const { return expected_s(waiting_cost_ + running_total_ / 2) / (shares_ * width_); }

 private:
  bool fits(double cost, double seconds_left) const;
  void sort();

  std::vector<scheduled_task> waiting_;  ///< Shortest first: the next one is at the back.
  std::unordered_map<std::int64_t, double> running_cost_;
  double waiting_cost_ = 0;
  double running_total_ = 0;
  double finished_cost_ = 0;
  double finished_s_ = 0;
  int shares_;
  int width_;
  std::uint64_t bundles_ = 0;
  bool stopped_ = false;
};

}  // namespace spikesweep
