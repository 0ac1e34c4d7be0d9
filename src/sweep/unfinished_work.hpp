#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <spikesweep/base/stopwatch.hpp>
#include <spikesweep/store/sweep_file.hpp>
#include <spikesweep/store/unfinished.hpp>
#include <spikesweep/sweep/cost_model.hpp>

namespace spikesweep {

/// What earlier runs of a sweep left of the tasks that they had in hand.
struct unfinished_work {
  std::string directory;
  int run = 1;                               ///< Number of this run: its files have names of their own.
  std::map<std::int64_t, saved_task> tasks;  ///< By the number of the task, which is pending.

  template <class Archive>
  void serialize(Archive& archive, unsigned /*version*/) {
    archive& directory& run& tasks;
  }
};

/// The part of a task that is left to do, roughly, in [0, 1].
double share_left(const saved_task& saved);

/// Expected work that a task is from where it stands, in the unit of the cost model; above 0.
double cost_left(const cost_model& costs, const sweep_description& description, const unfinished_work& earlier,
                 std::int64_t task);

/// What a directory of saved tasks (unfinished_directory()) has of pending tasks; of each the one that came furthest.
/// Changes nothing. Rank-local.
std::map<std::int64_t, saved_task> find_saved_tasks(const std::filesystem::path& directory,
                                                    const sweep_description& description,
                                                    const std::vector<task_record>& records);

/// Of each pending task of a sweep the one that came furthest; removes the files that are of no use any more. Rank 0
/// alone, with the lock of the sweep.
unfinished_work find_unfinished_work(const std::filesystem::path& sweep_file, const sweep_description& description,
                                     const std::vector<task_record>& records);

/// Something about saved tasks that people should know, of any rank.
struct save_trouble {
  enum kind_type : std::int32_t {
    not_saved,    ///< Tasks in hand cannot be written: what they did since the last save is lost at an interrupt.
    begins_anew,  ///< A task that an earlier run saved cannot be taken up.
    kinds
  };
  kind_type kind = not_saved;
  std::string words;
};

/// What a save took [s].
struct save_time {
  double anew_s = 0;  ///< For what each save writes anew.
  double rows_s = 0;  ///< For the rows since the last save.
};

/// The pauses between saves [s]: `every_s`, or longer where saving takes much of the time. More rare saves make the
/// share of what is written anew smaller, but not that of rows: each row is written once, however often saves are. So
/// rows may take more. What counts is the middle one of the last three saves: a disk that stands still for a second
/// says little of the next save, and a kill in a long pause costs all work since the last one.
class save_pauses {
 public:
  explicit save_pauses(double every_s) : every_s_(every_s) {}
  /// After a save.
  double after(const save_time& took);

 private:
  double every_s_;
  std::array<save_time, 3> last_{};
  std::size_t saves_ = 0;
};

/// Saves the tasks that a rank has in hand: every few seconds, and when the rank is asked to end. A failure to write
/// them is told once and costs nothing else.
class task_saver {
 public:
  /// `earlier` has to outlive the saver. `every_s`: time between two saves, or longer where a save takes long [s].
  task_saver(const unfinished_work& earlier, const sweep_description& description, int rank, double every_s)
      : earlier_(earlier), description_(description), rank_(rank), pauses_(every_s), pause_s_(every_s) {}

  /// What went wrong since the last call.
  std::vector<save_trouble> take_troubles() { return std::exchange(troubles_, {}); }

  /// Whether it is time to save.
  bool due() const { return asked_ || seconds_since(saved_) >= pause_s_; }
  /// It is, at once.
  void ask() { asked_ = true; }
  /// Saves `unfinished`, whose labels are the numbers of the tasks. Of `tasks`, one for each of them, `attempts` and
  /// `core_s` count.
  void save(std::vector<saved_task> tasks, const std::vector<unfinished_task>& unfinished);
  /// A task ended: what was saved of it is of no use any more.
  void forget(std::int64_t task);

  /// A task that an earlier run left in mid-work.
  struct earlier_part {
    std::shared_ptr<const kept_progress> progress;  ///< Null: no run did.
    double core_s = 0;                              ///< Spent on it [s].
    std::int64_t events = 0;                        ///< Simulated.
  };
  /// To be called once for a task that begins.
  earlier_part earlier(std::int64_t task);

 private:
  /// Returns the time for the rows [s].
  double write(std::vector<saved_task> tasks, const std::vector<unfinished_task>& unfinished);

  const unfinished_work& earlier_;
  const sweep_description& description_;
  int rank_;
  save_pauses pauses_;
  double pause_s_;  ///< Until the next save [s].
  steady_clock::time_point saved_ = steady_clock::now();
  bool asked_ = false;
  bool failed_ = false;
  std::vector<save_trouble> troubles_;
  std::map<std::int64_t, rows_file> rows_;  ///< Of the tasks in hand that were saved, here or by an earlier run.
};

}  // namespace spikesweep
