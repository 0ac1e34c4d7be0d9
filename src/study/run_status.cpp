#include <algorithm>
#include <sstream>
#include <system_error>

#include <nlohmann/json.hpp>

#include <spikesweep/base/json_text.hpp>
#include <spikesweep/store/text_file.hpp>
#include <spikesweep/study/run_directory.hpp>
#include <spikesweep/study/run_status.hpp>
#include <spikesweep/study/sweep_target.hpp>

#include "learning_work.hpp"

namespace spikesweep {

namespace {

/// Epochs that the pace of a training is taken from: other programs on the machine may have slowed earlier ones.
constexpr std::size_t paced_epochs = 3;

/// One line of the log of a training.
struct logged_epoch {
  int member = 0;
  int epoch = 0;
  double wall_s = 0;
  double rows_per_s = 0;
  double written_at = 0;  ///< By the clock of rank 0 [s since 1970]; 0: version 0.1.0 did not say.
};

/// A number of a damaged log may be anything.
int whole(double number) {
  return number >= 0 && number <= 1e9 ? static_cast<int>(number) : 0;
}

/// The lines of a log. The last one may be half written.
std::vector<logged_epoch> read_log(const std::filesystem::path& path) {
  std::vector<logged_epoch> epochs;
  std::istringstream lines(find_text(path).value_or(""));
  for (std::string text; std::getline(lines, text);) {
    const auto line = parse_json(text);
    const auto number = [&line](const char* key) {
      const auto found = line.find(key);
      return found != line.end() && found->is_number() ? found->get<double>() : 0;
    };
    if (line.is_object() && line.contains("epoch")) {
      epochs.push_back({whole(number("member")), whole(number("epoch")), number("wall_s"), number("rows_per_s"),
                        number("written_at")});
    }
  }
  return epochs;
}

double seconds_of(std::chrono::system_clock::time_point time) {
  return std::chrono::duration<double>(time.time_since_epoch()).count();
}

/// Seconds since the last line of a log was written. `now`: by the clock of rank 0.
double age_of(const std::vector<logged_epoch>& log, const std::filesystem::path& path, double now) {
  if (log.back().written_at > 0) {
    return now - log.back().written_at;
  }
  std::error_code unknown;
  const auto written = std::filesystem::last_write_time(path, unknown);
  return unknown ? 0
                 : now - seconds_of(std::chrono::time_point_cast<std::chrono::system_clock::duration>(
                             std::chrono::file_clock::to_sys(written)));
}

/// Whether the log is of this training. Before its first epoch ends it may be of an earlier one.
bool is_of_training(const run_directory& directory, const run_call& call, double log_age_s, double now) {
  const auto exists = [](const std::filesystem::path& path) {
    std::error_code unknown;
    return std::filesystem::exists(path, unknown);
  };
  if (std::ranges::any_of(directory.checkpoints(), exists)) {
    return true;
  }
  const double step_age_s = call.step_since ? now - static_cast<double>(*call.step_since) : 0;
  return log_age_s <= step_age_s;
}

/// The time left: epochs at the pace of the last ones, and closed loops, a transition of which takes about as long as a
/// row of training.
double time_left(const std::vector<logged_epoch>& log, const training_status& at, const learning_settings& settings,
                 const sweep_status& sweep) {
  double wall_s = 0;
  double rows = 0;
  const auto first = log.size() > paced_epochs ? log.size() - paced_epochs : 0;
  for (std::size_t i = first; i < log.size(); ++i) {
    wall_s += log[i].wall_s;
    rows += log[i].wall_s * log[i].rows_per_s;
  }
  const double epoch_s = wall_s / static_cast<double>(log.size() - first);
  const closed_loop_work loops = loops_of_training(settings, sweep.swept);
  const double transitions_per_s = static_cast<double>(sweep.samples) / sweep.simulated_s;
  const double loop_s = wall_s / rows * transitions_per_s;  // Of one simulated second.
  const auto members_left = static_cast<double>(at.members - 1 - at.member);
  const auto epochs_left = static_cast<double>(at.epochs - at.done);
  const double of_this =
      epochs_left * epoch_s + (candidates_after(settings, at.done) * loops.candidate_s + loops.tuning_s) * loop_s;
  const double of_others =
      at.epochs * epoch_s +
      (std::min(settings.candidates, settings.epochs) * loops.candidate_s + loops.tuning_s) * loop_s;
  return of_this + members_left * of_others;
}

training_status training_of(const run_directory& directory, const run_call& call,
                            const std::optional<sweep_status>& sweep, bool at_work, double now) {
  training_status status;
  status.members = call.learning.members;
  status.epochs = call.learning.epochs;
  const std::vector<logged_epoch> log = read_log(directory.training_log());
  if (log.empty()) {
    return status;
  }
  const double log_age_s = age_of(log, directory.training_log(), now);
  if (!is_of_training(directory, call, log_age_s, now)) {
    return status;
  }
  status.member = log.back().member;
  status.done = std::min(log.back().epoch, status.epochs);
  if (at_work && sweep && sweep->simulated_s > 0) {
    const double left_s = time_left(log, status, call.learning, *sweep);
    status.left_s = std::max(0.0, left_s - log_age_s);
  }
  return status;
}

run_status run_of(const run_directory& directory, const std::optional<sweep_status>& sweep,
                  std::chrono::system_clock::time_point now) {
  run_status status;
  // A call writes how it ended before it frees the lock. So look at the lock first; and once more, as another call may
  // have begun in between.
  status.job = find_lock_holder(directory.path / "");
  status.calls = read_run_record(directory.record());
  if (!status.at_work()) {
    status.job = find_lock_holder(directory.path / "");
  }
  if (status.calls.empty()) {
    return status;
  }
  const run_call& last = status.calls.back();
  status.state = last.state != call_state::running || status.at_work() ? last.state
                 : last.asked_at                                       ? call_state::interrupted
                                                                       : call_state::died;
  if (last.step == "train" && last.state != call_state::done) {
    status.training = training_of(directory, last, sweep, status.at_work(), clock_of(status.job, seconds_of(now)));
  }
  return status;
}

}  // namespace

bool target_status::at_work() const {
  return run ? run->at_work() : sweep && sweep->activity != sweep_activity::stopped;
}

bool target_status::over() const {
  return run ? !run->at_work() : sweep && sweep->over();
}

std::optional<target_status> find_status(const std::string& target, std::chrono::system_clock::time_point now) {
  target_status status;
  if (const auto file = find_sweep_file(target)) {
    status.file = *file;
    status.sweep = read_status(*file, now);
  }
  std::error_code unknown;
  if (std::filesystem::is_directory(target, unknown)) {
    const run_directory directory{target};
    status.file = directory.sweep();
    run_status run = run_of(directory, status.sweep, now);
    if (run.at_work() || !run.calls.empty()) {
      status.run = std::move(run);
    }
  }
  return status.run || status.sweep ? std::optional(std::move(status)) : std::nullopt;
}

target_status status_of(const std::string& target) {
  if (auto status = find_status(target)) {
    return *std::move(status);
  }
  sweep_file_of(target);  // Says what is wrong.
  throw input_error("'" + target + "' has just been removed; name another sweep file or directory of a run");
}

}  // namespace spikesweep
