#include "run_log.hpp"

#include <algorithm>
#include <ctime>
#include <sstream>

#include <spikesweep/base/utc.hpp>

namespace spikesweep {

std::string timed_line(const std::string& text) {
  return utc_text(std::time(nullptr)) + ' ' + text;
}

std::string begin_line(int ranks, std::size_t left, const sweep_counts& counts, std::int64_t damaged) {
  return timed_line("spikesweep " SPIKESWEEP_VERSION " starts on " + std::to_string(ranks) +
                    " ranks: " + std::to_string(left) + " of " + std::to_string(counts.total) + " tasks to do, " +
                    std::to_string(damaged) + " of them damaged");
}

std::string end_line(const sweep_outcome& outcome) {
  return timed_line((outcome.interrupted ? "interrupted: " : "finished: ") + std::to_string(outcome.done) + " done, " +
                    std::to_string(outcome.failed) + " failed of " + std::to_string(outcome.total));
}

std::optional<logged_begin> read_begin_line(const std::string& line) {
  std::istringstream words(line);
  std::string time;
  std::string program;
  std::string version;
  std::string starts;
  std::string on;
  std::string what;
  logged_begin begin;
  if (!(words >> time >> program >> version >> starts >> on >> begin.ranks >> what) || program != "spikesweep" ||
      starts != "starts" || on != "on" || what != "ranks:") {
    return std::nullopt;
  }
  begin.at = static_cast<double>(read_utc(time).value_or(0));
  begin.ranks = std::max(1, begin.ranks);
  return begin;
}

}  // namespace spikesweep
