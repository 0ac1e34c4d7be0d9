#pragma once

#include <filesystem>
#include <iosfwd>
#include <string>

#include <spikesweep/sweep/status.hpp>

namespace spikesweep {

/// One JSON object with everything, every point included.
std::string status_json(const std::filesystem::path& file, const sweep_status& status);

/// The status for people: a table, and the failed points with their reasons, at most `most_failed` of them.
void print_status(std::ostream& out, const std::filesystem::path& file, const sweep_status& status, int most_failed);

/// The status in one line.
std::string status_line(const sweep_status& status);

}  // namespace spikesweep
