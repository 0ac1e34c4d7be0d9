#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

namespace spikesweep {

/// Finds the sweep file; nothing while there is none.
using sweep_file_lookup = std::function<std::optional<std::filesystem::path>()>;

/// Shows the status every `interval_s` until the sweep is over or a signal comes: on a terminal the table, redrawn, and
/// otherwise a line, or with `json` an object, each time. Waits for a file that is not there yet, or not at the moment.
/// Throws input_error if a file stays unreadable. Rank-local.
/// `target` is what is waited for, in words.
void watch_status(const std::string& target, const sweep_file_lookup& find, double interval_s, bool json);

}  // namespace spikesweep
