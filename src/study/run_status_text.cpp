#include <array>
#include <cmath>
#include <ctime>
#include <ostream>
#include <string_view>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <spikesweep/base/json_text.hpp>
#include <spikesweep/base/table.hpp>
#include <spikesweep/base/utc.hpp>
#include <spikesweep/study/run_status_text.hpp>
#include <spikesweep/study/status_text.hpp>

namespace spikesweep {

namespace {

using nlohmann::ordered_json;

/// A step of a run: its name in run.json, and in words; which steps ended before it, and which come after it.
struct step_words {
  std::string_view name;
  std::string_view words;
  std::string_view before;
  std::string_view after;
};

constexpr std::array step_table{
    step_words{"sweep", "sweep", "", "training and validation"}, step_words{"train", "training", "sweep", "validation"},
    step_words{"refine", "search for more points", "sweep and training", "sweep, training and validation"},
    step_words{"validate", "validation", "sweep and training", ""}};

const step_words* find_step(std::string_view name) {
  for (const step_words& step : step_table) {
    if (step.name == name) {
      return &step;
    }
  }
  return nullptr;
}

std::string left_text(double left_s) {
  return std::isfinite(left_s)
             ? left_s < 1 ? ", less than 1 s left" : fmt::format(", about {} left", readable_duration(left_s))
             : "";
}

/// In training: "epoch 9 of 24" is the epoch that is in work.
std::string training_text(const training_status& training) {
  const std::string member =
      training.members > 1 ? fmt::format("member {} ({} in all), ", training.member, training.members) : "";
  return training.done < training.epochs ? fmt::format(", {}epoch {} of {}", member, training.done + 1, training.epochs)
                                         : fmt::format(", {}all {} epochs done, tuning", member, training.epochs);
}

/// The step of the last call, with how far it is.
std::string step_text(const target_status& status, bool with_time) {
  const run_call& call = status.run->calls.back();
  const step_words* step = find_step(call.step);
  std::string text(step != nullptr ? step->words : std::string_view("start"));
  double left_s = std::nan("");
  if (call.step == "sweep" && status.sweep) {
    const sweep_status& sweep = *status.sweep;
    text += fmt::format(", {} of {} tasks", sweep.done + sweep.failed(), sweep.total);
    left_s = sweep.pace.left_s;
  } else if (status.run->training) {
    text += training_text(*status.run->training);
    left_s = status.run->training->left_s;
  }
  return with_time ? text + left_text(left_s) : text;
}

std::string work_text(const target_status& status) {
  const run_status& run = *status.run;
  if (run.calls.empty() || run.calls.back().process != run.job.process || run.calls.back().step.empty()) {
    return "begins";  // The record is of an earlier call, or has no step yet.
  }
  const run_call& call = run.calls.back();
  if (run.state == call_state::done) {
    return "sweep, training and validation done; the report is being drawn";
  }
  if (run.state != call_state::running) {
    return fmt::format("ends: {} in {}", name_of(run.state), step_text(status, false));
  }
  const step_words* step = find_step(call.step);
  std::string text = step != nullptr && !step->before.empty() ? fmt::format("{} done; ", step->before) : "";
  text += step_text(status, true);
  return step != nullptr && !step->after.empty() ? text + fmt::format("; then {}", step->after) : text;
}

std::string end_text(const target_status& status) {
  const run_status& run = *status.run;
  if (run.calls.empty()) {
    return "has not begun";
  }
  const run_call& call = run.calls.back();
  switch (run.state) {
    case call_state::done:
      return status.sweep && status.sweep->failed() > 0
                 ? fmt::format("finished, with {} failed tasks", status.sweep->failed())
                 : "finished";
    case call_state::interrupted:
      return fmt::format("interrupted in {}; the same command goes on", step_text(status, false));
    case call_state::failed:
      return fmt::format("failed in {}: {}", step_text(status, false), call.message);
    default:
      return fmt::format("died without a message in {}; the same command goes on", step_text(status, false));
  }
}

std::string time_text(const std::optional<std::time_t>& time) {
  return time ? utc_text(*time) : "-";
}

std::string ranks_text(int ranks) {
  return fmt::format("{} rank{}", ranks, ranks == 1 ? "" : "s");
}

/// "running on 2 ranks, since ... (process 17 on host)".
std::string activity_text(const run_status& run) {
  const std::string job =
      run.job.host.empty() ? "a job" : fmt::format("process {} on {}", run.job.process, run.job.host);
  std::string text = run.job.state == lock_state::unknown ? "running, or dead" : "running";
  if (!run.calls.empty() && run.calls.back().process == run.job.process) {
    text += fmt::format(" on {}, since {}", ranks_text(run.calls.back().ranks), time_text(run.calls.back().started_at));
  }
  return fmt::format("{} ({})", text, job);
}

ordered_json call_json(const run_call& call) {
  ordered_json object{
      {"command", call.command}, {"state", name_of(call.state)}, {"step", call.step}, {"ranks", call.ranks}};
  const auto add_time = [&object](const char* key, const std::optional<std::time_t>& time) {
    object[key] = time ? ordered_json(utc_text(*time)) : ordered_json();
  };
  add_time("started_at", call.started_at);
  add_time("ended_at", call.ended_at);
  if (!call.message.empty()) {
    object["message"] = call.message;
  }
  return object;
}

ordered_json run_json(const target_status& status) {
  const run_status& run = *status.run;
  ordered_json object{{"activity", run.job.state == lock_state::held      ? "running"
                                   : run.job.state == lock_state::unknown ? "unknown"
                                                                          : "stopped"}};
  object["state"] = run.calls.empty() ? "preparing" : name_of(run.state);
  object["stage"] = stage_text(status);
  if (run.at_work()) {
    object["host"] = run.job.host;
    object["process"] = run.job.process;
  }
  if (run.training) {
    object["training"] = {{"member", run.training->member},
                          {"members", run.training->members},
                          {"epochs_done", run.training->done},
                          {"epochs", run.training->epochs},
                          {"left_s", run.training->left_s}};
  }
  ordered_json calls = ordered_json::array();
  for (const run_call& call : run.calls) {
    calls.push_back(call_json(call));
  }
  if (!calls.empty()) {
    calls.back()["state"] = name_of(run.state);
  }
  object["calls"] = std::move(calls);
  return object;
}

}  // namespace

std::string stage_text(const target_status& status) {
  return status.run->at_work() ? work_text(status) : end_text(status);
}

std::string status_json(const target_status& status) {
  ordered_json object = status.sweep ? ordered_json::parse(status_json(status.file, *status.sweep))
                                     : ordered_json{{"file", status.file.string()}};
  if (status.run) {
    object["run"] = run_json(status);
  }
  return json_text(std::move(object));
}

void print_status(std::ostream& out, const target_status& status, int most_failed) {
  if (status.run) {
    const run_status& run = *status.run;
    text_table table({"", ""});
    table.add_row({"run", status.file.parent_path().string()});
    table.add_row({"stage", stage_text(status)});
    if (run.at_work()) {
      table.add_row({"job", activity_text(run)});
    }
    for (std::size_t i = 0; i < run.calls.size(); ++i) {
      const run_call& call = run.calls[i];
      const bool last = i + 1 == run.calls.size();
      table.add_row(
          {last ? "command" : "before",
           fmt::format("{} ({}, {} to {}, {})", call.command, ranks_text(call.ranks), time_text(call.started_at),
                       time_text(call.ended_at), name_of(last ? run.state : call.state))});
    }
    table.print(out);
  }
  if (status.run && status.sweep) {
    out << '\n';
  }
  if (status.sweep) {
    print_status(out, status.file, *status.sweep, most_failed);
  }
}

std::string status_line(const target_status& status) {
  return status.run ? stage_text(status) : status_line(*status.sweep);
}

}  // namespace spikesweep
