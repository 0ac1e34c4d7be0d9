#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include <spikesweep/sweep/status.hpp>

namespace spikesweep {

/// What watch_status calls each time that it has looked.
struct watch_hooks {
  std::function<void(const std::filesystem::path& file, const sweep_status& status)> show;
  std::function<void()> wait;  ///< The sweep file is not there yet, or not at the moment.
};

/// Reads the status of a target (see find_sweep_file) every `interval_s` seconds until the sweep is over or a signal
/// comes. Throws input_error if the file stays unreadable. Rank-local.
void watch_status(const std::string& target, double interval_s, const watch_hooks& hooks);

}  // namespace spikesweep
