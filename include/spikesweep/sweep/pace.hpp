#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>

namespace spikesweep {

/// A run of a sweep, as the log of the sweep file has it.
struct sweep_run {
  double started_at = 0;  ///< To the second [s since 1970].
  int ranks = 1;
  bool ended = false;  ///< It finished or was interrupted in good order; otherwise it runs, or died.
  bool asked = false;  ///< It was asked to end.
};

/// The last run that a log tells of, if there is one.
std::optional<sweep_run> last_run(std::span<const std::string> log);

/// One task of a sweep, as far as its pace goes.
struct paced_task {
  double cost = 1;         ///< Expected work (expected_events), in any unit.
  bool left = true;        ///< Still to be done.
  double core_s = 0;       ///< If not left: what it took [s].
  double finished_at = 0;  ///< If not left: when it ended; 0: it was set aside [s since 1970].
};

/// How fast a sweep goes; NaN where nothing is known yet.
struct sweep_pace {
  /// Tasks that ended in a second, from the start of the last run to the end of its latest task [1/s].
  double tasks_per_s = std::numeric_limits<double>::quiet_NaN();
  double left_core_s = std::numeric_limits<double>::quiet_NaN();  ///< Core time of the tasks left [s].
  double left_s = std::numeric_limits<double>::quiet_NaN();       ///< Until the run will have done them [s].
};

/// The pace of a run: what is left costs as much core time for its expected work as what the run has done (before its
/// first task ends, as what earlier runs have done). Tasks in hand are part of what is left in `left_core_s`, and
/// counted as far as they must have come in `left_s`: every rank is busy from the start on, with `width` tasks at a
/// time, until at the end it loses half the time of a task, on average, to empty lanes. `now` [s since 1970].
sweep_pace pace_of(std::span<const paced_task> tasks, const std::optional<sweep_run>& run, int width, double now);

}  // namespace spikesweep
