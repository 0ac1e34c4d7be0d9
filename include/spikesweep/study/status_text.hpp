#pragma once

#include <filesystem>
#include <iosfwd>
#include <string>

#include <spikesweep/sweep/status.hpp>

namespace spikesweep {

/// The whole status as one JSON object, with every point.
std::string status_json(const std::filesystem::path& file, const sweep_status& status);

/// Prints the status as a table, and then at most `most_failed` failed points with their reasons.
void print_status(std::ostream& out, const std::filesystem::path& file, const sweep_status& status, int most_failed);

/// The status in one line.
std::string status_line(const sweep_status& status);

}  // namespace spikesweep
