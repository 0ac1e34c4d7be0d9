#pragma once

#include <iosfwd>
#include <string>

#include <spikesweep/study/run_status.hpp>

namespace spikesweep {

/// Where a run is, in words: "sweep done; training, epoch 9 of 24, about 2 min 5 s left; then validation".
std::string stage_text(const target_status& status);

/// The whole status as one JSON object: that of the sweep, with every point, and that of the run as `run`.
std::string status_json(const target_status& status);

/// Prints the status as a table, and then at most `most_failed` failed points with their reasons.
void print_status(std::ostream& out, const target_status& status, int most_failed);

/// The status in one line.
std::string status_line(const target_status& status);

}  // namespace spikesweep
