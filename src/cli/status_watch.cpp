#include "status_watch.hpp"

#include <chrono>
#include <ctime>
#include <iostream>
#include <sstream>
#include <string>
#include <thread>

#include <unistd.h>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/parallel/interrupt.hpp>
#include <spikesweep/parallel/launch.hpp>

#include "status_text.hpp"

namespace spikesweep {

namespace {

/// A file is not readable for an instant while another takes its place; one that stays so is none of ours.
constexpr int most_failures = 3;
/// How long a signal may wait for an answer.
constexpr std::chrono::milliseconds doze{50};
/// Rows of the table of failed points, so that all of it fits on a terminal of 24 lines with some to spare.
constexpr int failed_on_terminal = 5;
// ECMA-48: the upper left corner, "erase to the end of the line", "erase to the end of the screen".
constexpr const char* home = "\x1b[H";
constexpr const char* erase_line = "\x1b[K";
constexpr const char* erase_rest = "\x1b[J";

/// The screen or the lines that the status is shown in.
class display {
 public:
  /// mpirun gives its ranks terminals of its own making, wherever its output goes.
  explicit display(bool json) : json_(json), redraws_(!json && !launched() && ::isatty(STDOUT_FILENO) == 1) {}

  void show(const std::filesystem::path& file, const sweep_status& status) {
    if (redraws_) {
      std::ostringstream text;
      print_status(text, file, status, failed_on_terminal);
      draw(text.str());
    } else if (json_) {
      std::cout << status_json(file, status) << '\n';
    } else {
      say(status_line(status));
    }
    flush();
  }

  void wait_for(const std::string& target) {
    const std::string text = "waiting for " + target;
    if (redraws_) {
      draw(text + '\n');
    } else if (!json_) {
      say(text);
    }
    flush();
  }

 private:
  void say(const std::string& line) {
    std::cout << fmt::format("{:%Y-%m-%dT%H:%M:%SZ} ", fmt::gmtime(std::time(nullptr))) << line << '\n';
  }

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

void sleep_unless_interrupted(double seconds) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  while (!interrupted() && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(doze);
  }
}

}  // namespace

void watch_status(const std::string& target, const sweep_file_lookup& find, double interval_s, bool json) {
  const interrupt_guard guard;
  display shown(json);
  int failures = 0;
  while (!interrupted()) {
    try {
      if (const std::optional<std::filesystem::path> file = find()) {
        const sweep_status status = read_status(*file);
        shown.show(*file, status);
        if (status.over()) {
          return;
        }
      } else {
        shown.wait_for(target);
      }
      failures = 0;
    } catch (const input_error&) {
      if (++failures == most_failures) {
        throw;
      }
    }
    sleep_unless_interrupted(interval_s);
  }
}

}  // namespace spikesweep
