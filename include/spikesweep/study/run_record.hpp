#pragma once

#include <cstdint>
#include <ctime>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <spikesweep/base/stopwatch.hpp>
#include <spikesweep/learning/settings.hpp>
#include <spikesweep/store/atomic_file.hpp>
#include <spikesweep/study/run_directory.hpp>

namespace spikesweep {

/// How a call of `run` ended.
enum class call_state {
  running,  ///< Not ended, as far as it said: it runs, or it died.
  done,
  interrupted,
  failed,
  died  ///< It said nothing, and another call took its place.
};
const char* name_of(call_state state);

/// One call of `run`, as run.json keeps it.
struct run_call {
  std::string command;
  std::string host;                ///< Of rank 0.
  std::vector<std::string> nodes;  ///< Host names of all ranks; empty if the version that wrote it did not say.
  std::string version;
  std::int64_t process = 0;  ///< Of rank 0, on `host`.
  int ranks = 1;
  std::optional<std::time_t> started_at;  ///< Versions that wrote the record at the end of a call only lack it.
  std::optional<std::time_t> asked_at;    ///< When it was asked to end.
  std::optional<std::time_t> ended_at;
  call_state state = call_state::running;
  std::string step;  ///< Where it is, or where it ended: "sweep", "train", "refine", "validate", "report".
  std::optional<std::time_t> step_since;  ///< When that step began.
  std::string message;                    ///< Of a failure.
  /// Wall times of the steps that ended [s]. A step whose result was up to date has no entry.
  std::vector<std::pair<std::string, double>> wall_s;
  /// What the time left is counted from; only the members that run.json names are set.
  learning_settings learning;
  int refine_rounds = 0;
};

/// All calls that a run.json tells of, oldest first; none if there is no such file, or it cannot be read. Rank-local.
std::vector<run_call> read_run_record(const std::filesystem::path& file);

/// run.json of the directory of a run: this call, how far it is, and the calls before. It is written when the call
/// begins, when each step begins, when somebody asks it to end, and when it ends. So it says what happened, however the
/// call ends. Only who has the lock of the directory may have one. Rank-local.
class run_record {
 public:
  /// Writes the record with this call, which has just begun. A call before that said nothing of its end has died, or
  /// was interrupted if it was asked to end.
  run_record(const run_directory& directory, run_call call);

  /// The call begins a step.
  void begin_step(const std::string& name);
  /// The step has ended. Rounds of refining repeat steps: their times are added. A step that found its result up to
  /// date did not run.
  void end_step(bool ran = true);
  /// The calls before have no part in the results any more.
  void forget_earlier();
  /// The call was asked to end, and will: if it is killed before it has, it was interrupted, and did not die. Of a call
  /// that has ended it changes nothing.
  void ask();
  /// The call ends, and with it the step that it is in. A call in which no step ran leaves the file as it was before:
  /// it changed nothing. But where the call before did not end well, it tells that all is done now. Only the first end
  /// counts.
  void end(call_state state, const std::string& message = "");
  /// The step that it is in refused its input: it did not run, and the call fails.
  void refuse(const std::string& message);

 private:
  void write(durability wanted = durability::forced) const;
  void withdraw() const;

  std::filesystem::path file_;
  std::optional<std::string> before_;  ///< Contents of the file before this call.
  std::vector<std::string> earlier_;   ///< The calls before, oldest first, as JSON: whatever version wrote them.
  run_call call_;                      ///< This call.
  bool before_ended_badly_ = false;    ///< The last call before was not done.
  bool over_ = false;                  ///< This call has ended.
  std::optional<steady_clock::time_point> step_begin_;  ///< Of the step that it is in.
};

}  // namespace spikesweep
