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
/// hands out can stand. Learns from the tasks that ended how fast each rank is, so that a slow rank does not keep all
/// others waiting in the end. Knows nothing of messages.
class scheduler {
 public:
  /// Most tasks of a bundle: a rank's work for a second or more, unless tasks are very short.
  static constexpr int max_bundle = 4096;
  /// Bundles are large enough that all ranks together ask no more often while there is much to do [1/s].
  static constexpr double max_requests_per_s = 1000;
  /// The same shortly before the end, where small bundles let all ranks end together [1/s].
  static constexpr double max_last_requests_per_s = 4000;

  /// `shares`: among how many ranks the work is divided; `width`: how many tasks each has in hand. At least 1.
  scheduler(std::vector<scheduled_task> tasks, int shares, int width = 1);

  /// The next bundle for a rank: at most `most` tasks, and a small part of a fair share of the work that is left,
  /// unless so little would make the ranks ask too often. The first bundle fills the rank, with one task to spare. Only
  /// tasks that are expected to end within `seconds_left`; on a slow rank, only tasks that are expected to end before
  /// the whole work does. Empty when there is nothing (more) for this rank. Rank 0 is never taken for slow: whatever no
  /// other rank gets, rank 0 gets in the end.
  std::vector<std::int64_t> take(int most = max_bundle, double seconds_left = std::numeric_limits<double>::infinity(),
                                 int rank = 0);
  /// A task that was handed out ended after so much wall time: refines what the others are expected to take. `work`:
  /// what it came to, in the unit of the costs; 0 if that is not known.
  void finished(std::int64_t task, double wall_s, double work);
  /// Replaces the cost of every task that has not ended.
  void estimate(const std::function<double(std::int64_t task)>& cost);
  /// Hands out nothing any more.
  void stop() { stopped_ = true; }

  /// Tasks not handed out yet.
  std::int64_t waiting() const { return static_cast<std::int64_t>(waiting_.size() + too_long_.size()); }
  /// Expected wall time of a task of such a cost; 0 before the first one ended [s].
  double expected_s(double cost) const;
  /// Expected wall time until every task ended, those handed out half done; 0 before the first one ended [s].
  double left_s() const { return expected_s(waiting_cost_ + running_total_ / 2) / (shares_ * width_); }

 private:
  /// What is known of a rank.
  struct rank_record {
    std::int64_t in_hand = 0;  ///< Tasks.
    double work = 0;           ///< Of the tasks that ended on it.
    double work_s = 0;         ///< The wall time of these [s].
  };
  struct running_task {
    double cost;
    int rank;
  };
  struct request;

  bool fits(double cost, double seconds_left) const;
  bool ends_with_the_others(const request& of, double cost, double before) const;
  bool is_enough(const request& of, std::size_t tasks, double cost, double next_cost) const;
  void set_too_long_aside(double seconds_left);
  void sort();

  std::vector<scheduled_task> waiting_;  ///< Shortest first: the next one is at the back.
  /// Longest first: those that are not expected to end in time. Apart from the others, so that nothing has to be moved
  /// for each bundle.
  std::vector<scheduled_task> too_long_;
  std::unordered_map<std::int64_t, running_task> running_;
  std::vector<rank_record> ranks_;
  double waiting_cost_ = 0;  ///< Of all that was not handed out.
  double running_total_ = 0;
  double finished_cost_ = 0;  ///< As it was expected when the tasks were handed out.
  double finished_work_ = 0;  ///< As it turned out.
  double finished_s_ = 0;
  int shares_;
  int width_;
  std::uint64_t bundles_ = 0;
  bool estimated_ = false;  ///< Costs come from what tasks turned out to be.
  bool stopped_ = false;
};

}  // namespace spikesweep
