#include "run_log.hpp"

#include <algorithm>
#include <ctime>
#include <sstream>
#include <string_view>

#include <spikesweep/base/utc.hpp>

namespace spikesweep {

namespace {

constexpr std::string_view interrupted_words = "interrupted: ";
constexpr std::string_view finished_words = "finished: ";
constexpr std::string_view lost_words = "ended without ranks that are lost";
constexpr std::string_view asked_words = "asked to end";

/// What a line says behind its time.
std::string_view text_of(std::string_view line) {
  const std::size_t space = line.find(' ');
  return space == std::string_view::npos ? std::string_view() : line.substr(space + 1);
}

}  // namespace

std::string timed_line(const std::string& text) {
  return utc_text(std::time(nullptr)) + ' ' + text;
}

std::string begin_line(int ranks, std::size_t left, const sweep_counts& counts, std::int64_t damaged) {
  return timed_line("spikesweep " SPIKESWEEP_VERSION " starts on " + std::to_string(ranks) +
                    " ranks: " + std::to_string(left) + " of " + std::to_string(counts.total) + " tasks to do, " +
                    std::to_string(damaged) + " of them damaged");
}

std::string end_line(const sweep_outcome& outcome) {
  return timed_line(std::string(outcome.interrupted ? interrupted_words : finished_words) +
                    std::to_string(outcome.done) + " done, " + std::to_string(outcome.failed) + " failed of " +
                    std::to_string(outcome.total));
}

std::string asked_line() {
  return timed_line(std::string(asked_words));
}

std::string lost_line() {
  return timed_line(std::string(lost_words));
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

bool is_end_line(const std::string& line) {
  const std::string_view text = text_of(line);
  return text.starts_with(interrupted_words) || text.starts_with(finished_words) || text.starts_with(lost_words);
}

bool is_asked_line(const std::string& line) {
  return text_of(line).starts_with(asked_words);
}

}  // namespace spikesweep
