#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <unordered_map>
#include <vector>

#include <spikesweep/store/description.hpp>

namespace spikesweep {

/// A task to be scheduled.
struct scheduled_task {
  std::int64_t task = 0;
  double cost = 1;       ///< Expected work, in any unit common to all tasks; above 0.
  bool suspect = false;  ///< May crash the job: to be run with no other task beside it.
};

/// Expected work of a task before any was run: the rate of network events, which grows with the external kicks
/// (lambda_E N_E + lambda_I N_I), times the simulated time [events].
double expected_events(const sweep_description& description, int point);

/// Guided self-scheduling: decides which tasks are handed out next, longest expected first, in bundles that shrink as
/// the work runs out. Knows nothing of ranks or messages.
class scheduler {
 public:
  /// Most tasks of a bundle.
  static constexpr int max_bundle = 32;

  /// `shares`: among how many ranks the work is divided; `width`: how many tasks each has in hand. At least 1.
  scheduler(std::vector<scheduled_task> tasks, int shares, int width = 1);

  /// The next bundle: at least one task, at most `most`, and no more than half of a fair share of the work that is
  /// left. Only tasks that are expected to end within `seconds_left`. Empty when there is nothing (more) to hand out.
  std::vector<std::int64_t> take(int most = max_bundle, double seconds_left = std::numeric_limits<double>::infinity());
  /// The next suspect, if it is expected to end within `seconds_left`; take() does not hand them out.
  std::optional<std::int64_t> take_suspect(double seconds_left = std::numeric_limits<double>::infinity());
  /// A task that was handed out ended after so much wall time: refines what the others are expected to take.
  void finished(std::int64_t task, double wall_s);
  /// Hands out nothing any more.
  void stop() { stopped_ = true; }

  /// Tasks not handed out yet.
  std::int64_t waiting() const { return static_cast<std::int64_t>(waiting_.size()) + suspects(); }
  /// Of these, suspects.
  std::int64_t suspects() const { return static_cast<std::int64_t>(suspects_.size()); }
  /// Expected wall time of a task of such a cost; 0 before the first one ended [s].
  double expected_s(double cost) const { return finished_cost_ > 0 ? cost * finished_s_ / finished_cost_ : 0; }

 private:
  bool fits(double cost, double seconds_left) const;

  std::vector<scheduled_task> waiting_;   ///< Shortest first: the next one is at the back.
  std::vector<scheduled_task> suspects_;  ///< Likewise.
  std::unordered_map<std::int64_t, double> running_cost_;
  double waiting_cost_ = 0;
  double finished_cost_ = 0;
  double finished_s_ = 0;
  int shares_;
  int width_;
  bool stopped_ = false;
};

}  // namespace spikesweep
