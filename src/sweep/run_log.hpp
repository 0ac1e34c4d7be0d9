#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <spikesweep/sweep/sweep.hpp>

namespace spikesweep {

/// The lines of a sweep file's log: when runs began and ended, and which tasks were set aside. One function writes a
/// line, and one beside it reads what the status needs from it.

/// The text behind the time.
std::string timed_line(const std::string& text);

/// "TIME spikesweep VERSION starts on RANKS ranks: LEFT of TOTAL tasks to do, DAMAGED of them damaged".
std::string begin_line(int ranks, std::size_t left, const sweep_counts& counts, std::int64_t damaged);
std::string end_line(const sweep_outcome& outcome);
/// The run was asked to end, and ends.
std::string asked_line();
/// The run ended without ranks that are lost.
std::string lost_line();

/// What a begin_line says.
struct logged_begin {
  double at = 0;  ///< [s since 1970]
  int ranks = 1;
};
/// Nothing if it is another line.
std::optional<logged_begin> read_begin_line(const std::string& line);

/// Whether it is an end_line() or a lost_line(), of any version; whether it is an asked_line().
bool is_end_line(const std::string& line);
bool is_asked_line(const std::string& line);

}  // namespace spikesweep
