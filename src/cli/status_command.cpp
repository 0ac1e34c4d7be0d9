#include <charconv>
#include <ctime>
#include <iostream>
#include <memory>
#include <sstream>
#include <utility>

#include <unistd.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <spikesweep/base/duration.hpp>
#include <spikesweep/base/json_text.hpp>
#include <spikesweep/base/utc.hpp>
#include <spikesweep/parallel/launch.hpp>
#include <spikesweep/study/run_status_text.hpp>
#include <spikesweep/study/watch.hpp>

#include "commands.hpp"

namespace spikesweep {

namespace {

constexpr const char* usual_interval = "2s";
/// Reading a file of 100,000 tasks takes about a tenth of this time.
constexpr double shortest_interval_s = 0.5;
/// Rows of the table of failed points.
constexpr int most_failed_points = 20;
/// The same while watching, so that everything fits on a terminal of 24 lines.
constexpr int failed_on_terminal = 5;
// ECMA-48: the upper left corner, "erase to the end of the line", "erase to the end of the screen".
constexpr const char* home = "\x1b[H";
constexpr const char* erase_line = "\x1b[K";
constexpr const char* erase_rest = "\x1b[J";

/// Shows a status that is watched: on a terminal as a table that is redrawn, elsewhere as a line, or with `json` as an
/// object, each time.
class display {
 public:
  /// Under mpirun a rank always has a terminal, wherever the output of mpirun goes.
  explicit display(bool json) : json_(json), redraws_(!json && !launched() && ::isatty(STDOUT_FILENO) == 1) {}

  void show(const target_status& status) {
    if (redraws_) {
      std::ostringstream text;
      print_status(text, status, failed_on_terminal);
      draw(text.str());
    } else if (json_) {
      std::cout << status_json(status) << '\n';
    } else {
      say(status_line(status));
    }
    flush();
  }

  void wait_for(const std::string& target) {
    const std::string text = "waiting for " + target;
    if (redraws_) {
      draw(text + '\n');
    } else if (json_) {
      std::cout << json_text({{"file", target}, {"activity", "waiting"}}) << '\n';
    } else {
      say(text);
    }
    flush();
  }

 private:
  void say(const std::string& line) { std::cout << utc_text(std::time(nullptr)) << ' ' << line << '\n'; }

  void draw(const std::string& text) {
    std::istringstream lines(text);
    std::string screen = home;
    for (std::string line; std::getline(lines, line);) {
      screen += line + erase_line + '\n';
    }
    std::cout << screen << erase_rest;
  }

  void flush() {
    if (!std::cout.flush()) {
      throw environment_error("cannot write to standard output");
    }
  }

  bool json_;
  bool redraws_;
};

struct status_arguments {
  std::string target;
  std::string interval;  ///< Of --watch, if it has one.
  bool json = false;
};

bool is_number(const std::string& text) {
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  return error == std::errc() && rest == end;
}

/// Seconds, with or without a unit. Throws input_error.
double interval_of(const std::string& text) {
  const double seconds = parse_duration(text.empty() ? usual_interval : is_number(text) ? text + "s" : text);
  if (seconds < shortest_interval_s) {
    throw input_error(
        fmt::format("'--watch {}' is too short an interval; allowed: at least {} s", text, shortest_interval_s));
  }
  return seconds;
}

/// In `--watch FILE` the option takes the file for its interval: gives the file back.
void sort_out(status_arguments& arguments) {
  if (arguments.target.empty()) {
    std::swap(arguments.target, arguments.interval);
  }
  if (arguments.target.empty()) {
    throw input_error("name a sweep file or the directory of a run");
  }
}

void watch(const status_arguments& arguments) {
  display shown(arguments.json);
  watch_hooks hooks;
  hooks.show = [&](const target_status& status) { shown.show(status); };
  hooks.wait = [&] { shown.wait_for(arguments.target); };
  watch_status(arguments.target, interval_of(arguments.interval), hooks);
}

void print(const status_arguments& arguments) {
  const target_status status = status_of(arguments.target);
  if (arguments.json) {
    std::cout << status_json(status) << '\n';
  } else {
    print_status(std::cout, status, most_failed_points);
  }
}

}  // namespace

command_action status_command(const command_options& options) {
  const auto arguments = std::make_shared<status_arguments>();
  options.text("FILE", arguments->target, "sweep file, or directory of a run").value_name("FILE.h5|DIR");
  options.flag("--json", arguments->json, "print one JSON object, with every point");
  const command_option watches =
      options
          .text(
              "--watch", arguments->interval,
              "show the status again every SECONDS (2 without a value) until the sweep or the run ends; Ctrl-C ends it")
          .optional_value()
          .value_name("[SECONDS]");
  return on_rank_0([arguments, watches](const rank_context&) {
    sort_out(*arguments);
    if (watches.given()) {
      watch(*arguments);
    } else {
      print(*arguments);
    }
    return exit_code::done;
  });
}

}  // namespace spikesweep
