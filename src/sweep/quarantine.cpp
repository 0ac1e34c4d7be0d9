#include <algorithm>
#include <deque>
#include <utility>

#include <fmt/format.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/base/stopwatch.hpp>
#include <spikesweep/base/table.hpp>
#include <spikesweep/parallel/child_process.hpp>
#include <spikesweep/sweep/quarantine.hpp>

#include "quarantine_messages.hpp"

namespace spikesweep {

namespace {

using task_numbers = std::vector<std::int64_t>;
using finished_task = std::function<void(std::int64_t task, task_result&& result, const std::string& how)>;

/// Time that a process had, counted only while its parent looked: a stopped job, and a parent that was busy elsewhere,
/// are not its fault.
class attended_time {
 public:
  void go_on() {
    constexpr double longest_look_s = 1;
    const double step = std::min(seconds_since(last_), longest_look_s);
    last_ = steady_clock::now();
    silent_s_ += step;
    no_news_s_ += step;
  }
  void heard() { silent_s_ = 0; }
  void task_news() { no_news_s_ = 0; }

  double silent_s() const { return silent_s_; }
  /// Since a task began or ended.
  double no_news_s() const { return no_news_s_; }

 private:
  steady_clock::time_point last_ = steady_clock::now();
  double silent_s_ = 0;
  double no_news_s_ = 0;
};

/// One process with some of the tasks, from its start to its end.
class quarantined_group {
 public:
  quarantined_group(const quarantine_request& request, const std::vector<std::string>& program,
                    const quarantine_limits& limits, const finished_task& finished)
      : limits_(limits), finished_(finished), process_(program, packed(request)) {
    for (const network_task& task : request.tasks) {
      waiting_.push_back(task.label);
    }
  }

  /// Returns false if `poll` did.
  bool run(const std::function<bool()>& poll) {
    for (;;) {
      const child_process::news news = process_.receive();
      while (auto message = process_.next()) {
        take_in(unpacked<quarantine_message>(*std::move(message)));
      }
      time_.go_on();
      if (news == child_process::news::end) {
        how_ = process_.end();
        return true;
      }
      if (news == child_process::news::bytes) {
        time_.heard();
      } else if (over_limit()) {
        process_.end();
        return true;
      }
      if (!poll()) {
        return false;
      }
    }
  }

  /// Tasks that had not begun when the process ended, and those in hand then.
  const task_numbers& waiting() const { return waiting_; }
  const task_numbers& in_hand() const { return in_hand_; }
  /// Whether any task began.
  bool began() const { return began_; }
  /// How the process ended, in words.
  const std::string& how() const { return how_; }

 private:
  void take_in(quarantine_message message) {
    switch (message.kind) {
      case quarantine_message::alive:
        return;
      case quarantine_message::begun:
        began_ = true;
        std::erase(waiting_, message.task);
        in_hand_.push_back(message.task);
        break;
      case quarantine_message::ended:
        std::erase(in_hand_, message.task);
        finished_(message.task, std::move(message.result), "");
        break;
    }
    time_.task_news();
  }

  bool over_limit() {
    if (time_.silent_s() > limits_.silence_s) {
      how_ = fmt::format("its process gave no sign of life for {} and was ended", readable_duration(limits_.silence_s));
      return true;
    }
    const double longest_s = limits_.silence_s + (in_hand_.empty() ? 0 : limits_.longest_s(in_hand_));
    if (time_.no_news_s() > longest_s) {
      how_ = fmt::format("it took longer than its limit, {}, and was ended", readable_duration(longest_s));
      return true;
    }
    return false;
  }

  const quarantine_limits& limits_;
  const finished_task& finished_;
  child_process process_;
  attended_time time_;
  task_numbers waiting_;
  task_numbers in_hand_;
  bool began_ = false;
  std::string how_;
};

quarantine_request part_of(const quarantine_request& request, const task_numbers& tasks) {
  quarantine_request part{request.section, request.sampling, {}};
  std::ranges::copy_if(request.tasks, std::back_inserter(part.tasks),
                       [&](const network_task& task) { return std::ranges::find(tasks, task.label) != tasks.end(); });
  return part;
}

void add_group(std::deque<task_numbers>& groups, task_numbers tasks) {
  if (!tasks.empty()) {
    groups.push_back(std::move(tasks));
  }
}

/// Sorts out what a process that ended has left.
void divide(const quarantined_group& group, std::size_t tasks, const finished_task& finished,
            std::deque<task_numbers>& groups) {
  const task_numbers& suspects = group.in_hand();
  if (suspects.empty() && !group.waiting().empty() && !group.began()) {
    throw environment_error("a process for tasks of its own ended before it began one: " + group.how() +
                            "; free memory and processes, and run the same command again");
  }
  if (suspects.size() == 1 && tasks == 1) {
    task_result result;
    result.state = task_state::crashed;
    finished(suspects.front(), std::move(result), group.how());
    return;
  }
  // One that was in hand alone may have been hit by what another did before: it runs again, with a process for itself.
  const auto middle = suspects.begin() + static_cast<std::ptrdiff_t>(suspects.size() / 2);
  add_group(groups, {suspects.begin(), middle});
  add_group(groups, {middle, suspects.end()});
  add_group(groups, group.waiting());
}

}  // namespace

bool run_in_quarantine(const quarantine_request& request, const std::vector<std::string>& program,
                       const quarantine_limits& limits, const finished_task& finished,
                       const std::function<bool()>& poll) {
  std::deque<task_numbers> groups;
  task_numbers all;
  for (const network_task& task : request.tasks) {
    all.push_back(task.label);
  }
  add_group(groups, std::move(all));
  while (!groups.empty()) {
    const task_numbers tasks = std::move(groups.front());
    groups.pop_front();
    quarantined_group group(part_of(request, tasks), program, limits, finished);
    if (!group.run(poll)) {
      return false;
    }
    divide(group, tasks.size(), finished, groups);
  }
  return true;
}

}  // namespace spikesweep
