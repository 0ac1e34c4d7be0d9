
#include <algorithm>
#include <cmath>
#include <ctime>
#include <limits>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <spikesweep/base/json_text.hpp>
#include <spikesweep/base/table.hpp>
#include <spikesweep/base/utc.hpp>
#include <spikesweep/study/status_text.hpp>

namespace spikesweep {

namespace {

using nlohmann::ordered_json;

std::string utc(double seconds_since_1970) {
  return utc_text(static_cast<std::time_t>(seconds_since_1970));
}

ordered_json parameters_json(const sweep_status& status, int point) {
  ordered_json object = ordered_json::object();
  for (std::size_t axis = 0; axis < status.swept.axes.size(); ++axis) {
    object[status.swept.axes[axis]] = status.swept.points(point, static_cast<Eigen::Index>(axis));
  }
  return object;
}

ordered_json point_json(const sweep_status& status, int index) {
  const point_status& point = status.points[static_cast<std::size_t>(index)];
  ordered_json object;
  object["point"] = index;
  object["parameters"] = parameters_json(status, index);
  object["done"] = point.done;
  object["failed"] = point.failed();
  object["pending"] = point.pending;
  if (point.failed() > 0) {
    object["runaway"] = point.runaway;
    object["time_cap"] = point.time_cap;
    object["crashed"] = point.crashed;
    object["attempts"] = point.attempts;
  }
  object["simulated_s"] = point.simulated_s;
  object["rate_E_hz"] = point.rate_E;
  object["rate_I_hz"] = point.rate_I;
  object["capped_share"] = point.capped_share;
  object["empty_share"] = point.empty_share;
  object["excursions_left_out"] = point.left_out;
  return object;
}

const char* name_of(sweep_activity activity) {
  switch (activity) {
    case sweep_activity::preparing:
      return "preparing";
    case sweep_activity::running:
      return "running";
    case sweep_activity::unknown:
      return "unknown";
    case sweep_activity::stopped:
      break;
  }
  return "stopped";
}

std::string job_of(const lock_holder& job) {
  return job.host.empty() ? "a job" : fmt::format("process {} on {}", job.process, job.host);
}

/// The state of the last run.
std::string run_text(const sweep_status& status) {
  if (!status.run) {
    return "has not begun";
  }
  const sweep_run& run = *status.run;
  const std::string began = fmt::format("on {} rank{}, since {}{}", run.ranks, run.ranks == 1 ? "" : "s",
                                        utc(run.started_at), run.asked ? ", asked to end" : "");
  switch (status.activity) {
    case sweep_activity::running:
      return fmt::format("running {} ({})", began, job_of(status.job));
    case sweep_activity::unknown:
      return fmt::format("running {}, or dead; look for {}", began, job_of(status.job));
    default:
      break;
  }
  if (status.pending == 0) {
    return "complete";
  }
  return run.ended   ? "interrupted; the same command resumes"
         : run.asked ? "interrupted, and killed before it had ended; the same command resumes"
                     : "died without a message; the same command resumes";
}

std::string activity_text(const sweep_status& status) {
  return status.activity == sweep_activity::preparing
             ? fmt::format("preparing or checking the file ({})", job_of(status.job))
             : run_text(status);
}

/// "about 5 s". For a sweep that does not run, the time that one core would need.
std::string time_left(const sweep_status& status) {
  const sweep_pace& pace = status.pace;
  if (std::isfinite(pace.left_s)) {
    return pace.left_s < 1 ? "less than 1 s" : "about " + readable_duration(pace.left_s);
  }
  return std::isfinite(pace.left_core_s) ? fmt::format("about {} of one core", readable_duration(pace.left_core_s))
                                         : "not known before the first task ends";
}

std::string reasons(const point_status& point) {
  std::string text;
  const auto add = [&text](std::int64_t count, const char* reason) {
    if (count > 0) {
      text += fmt::format("{}{}{}", text.empty() ? "" : ", ", reason, count > 1 ? fmt::format(" x {}", count) : "");
    }
  };
  add(point.runaway, "runaway");
  add(point.time_cap, "time cap");
  add(point.crashed, "crashed");
  return text;
}

void print_failed_points(std::ostream& out, const sweep_status& status, std::size_t most) {
  std::vector<std::string> header{"failed point"};
  header.insert(header.end(), status.swept.axes.begin(), status.swept.axes.end());
  header.insert(header.end(), {"attempts", "reason"});
  text_table table(std::move(header));
  const std::size_t shown = std::min(most, status.failed_points.size());
  for (std::size_t i = 0; i < shown; ++i) {
    const int index = status.failed_points[i];
    const point_status& point = status.points[static_cast<std::size_t>(index)];
    std::vector<std::string> row{std::to_string(index)};
    for (Eigen::Index axis = 0; axis < status.swept.points.cols(); ++axis) {
      row.push_back(readable(status.swept.points(index, axis)));
    }
    row.push_back(std::to_string(point.attempts));
    row.push_back(reasons(point));
    table.add_row(std::move(row));
  }
  table.print(out);
  if (shown < status.failed_points.size()) {
    out << fmt::format("and {} more; --json lists all\n", status.failed_points.size() - shown);
  }
}

/// Of phases at a point; NaN: no phase was seen yet.
std::string highest_share(double share) {
  return std::isfinite(share) ? fmt::format("up to {:.3g} % at a point", 100 * share) : "not measured yet";
}

double percent_done(const sweep_status& status) {
  const auto finished = static_cast<double>(status.done + status.failed());
  return status.total > 0 ? 100 * finished / static_cast<double>(status.total) : 100;
}

}  // namespace

std::string status_json(const std::filesystem::path& file, const sweep_status& status) {
  ordered_json object{{"file", file.string()}, {"version", status.version}, {"activity", name_of(status.activity)}};
  if (status.run) {
    object["ranks"] = status.run->ranks;
    object["started_at"] = utc(status.run->started_at);
  }
  if (!status.job.host.empty()) {
    object["host"] = status.job.host;
    object["process"] = status.job.process;
  }
  object["tasks"] = status.total;
  object["done"] = status.done;
  object["failed"] = status.failed();
  object["runaway"] = status.runaway;
  object["time_cap"] = status.time_cap;
  object["crashed"] = status.crashed;
  object["pending"] = status.pending;
  object["started"] = status.started;
  object["saved"] = status.saved;
  object["synced"] = status.done + status.failed() - status.unsynced;
  object["samples"] = status.samples;
  object["tasks_per_s"] = status.pace.tasks_per_s;
  object["left_s"] = status.pace.left_s;
  object["left_core_s"] = status.pace.left_core_s;
  object["simulated_s"] = status.simulated_s;
  object["core_s"] = status.core_s;
  object["done_points"] = status.done_points;
  object["failed_points"] = status.failed_points;
  object["pending_points"] = status.pending_points;
  ordered_json points = ordered_json::array();
  for (std::size_t i = 0; i < status.points.size(); ++i) {
    points.push_back(point_json(status, static_cast<int>(i)));
  }
  object["points"] = std::move(points);
  object["log"] = status.log;
  return json_text(std::move(object));
}

void print_status(std::ostream& out, const std::filesystem::path& file, const sweep_status& status, int most_failed) {
  text_table table({"", ""});
  table.add_row({"file", file.string()});
  table.add_row({"state", activity_text(status)});
  table.add_row({"tasks", std::to_string(status.total)});
  table.add_row({"done", std::to_string(status.done)});
  table.add_row({"failed", fmt::format("{} (runaway {}, time cap {}, crashed {})", status.failed(), status.runaway,
                                       status.time_cap, status.crashed)});
  const std::string in_hand = status.saved > 0 ? fmt::format(", saved in mid-work {}", status.saved) : "";
  table.add_row({"left", fmt::format("{} (of these started {}{})", status.pending, status.started, in_hand)});
  if (status.unsynced > 0) {
    table.add_row(
        {"synced", fmt::format("{} of {} finished tasks; the others are so new that a power cut might take them",
                               status.done + status.failed() - status.unsynced, status.done + status.failed())});
  }
  table.add_row({"rate", readable(status.pace.tasks_per_s) + " tasks/s"});
  if (status.pending > 0) {
    table.add_row({"time left", time_left(status)});
  }
  table.add_row({"samples", std::to_string(status.samples)});
  table.add_row({"simulated", readable(status.simulated_s) + " s"});
  table.add_row({"core time", readable_duration(status.core_s)});
  table.add_row({"points", fmt::format("{} done, {} failed, {} left", status.done_points.size(),
                                       status.failed_points.size(), status.pending_points.size())});
  double capped = std::numeric_limits<double>::quiet_NaN();
  double empty = std::numeric_limits<double>::quiet_NaN();
  std::int64_t left_out = 0;
  for (const point_status& point : status.points) {
    capped = std::fmax(capped, point.capped_share);
    empty = std::fmax(empty, point.empty_share);
    left_out += point.left_out;
  }
  table.add_row({"capped phases", highest_share(capped)});
  table.add_row({"empty phases", highest_share(empty)});
  if (left_out > 0) {
    table.add_row({"excursions", fmt::format("{} ran away and are left out", left_out)});
  }
  table.print(out);
  if (!status.failed_points.empty()) {
    out << '\n';
    print_failed_points(out, status, static_cast<std::size_t>(std::max(0, most_failed)));
  }
}

std::string status_line(const sweep_status& status) {
  std::string line = fmt::format("{} of {} tasks ({:.0f} %), {} failed", status.done + status.failed(), status.total,
                                 std::floor(percent_done(status)), status.failed());
  if (std::isfinite(status.pace.tasks_per_s)) {
    line += fmt::format(", {} tasks/s", readable(status.pace.tasks_per_s));
  }
  if (status.pending > 0 && std::isfinite(status.pace.left_core_s)) {
    line += fmt::format(", {} left", time_left(status));
  }
  return line + "; " + activity_text(status);
}

}  // namespace spikesweep
