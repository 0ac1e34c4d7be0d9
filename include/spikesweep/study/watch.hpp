#pragma once

#include <functional>
#include <string>

#include <spikesweep/study/run_status.hpp>

namespace spikesweep {

/// What watch_status calls each time that it has looked.
struct watch_hooks {
  std::function<void(const target_status& status)> show;
  std::function<void()> wait;  ///< Nothing is there yet, or not at the moment.
};

/// Reads the status of a target (see find_status) every `interval_s` seconds. Ends when a job that was seen at work is
/// so no more, however it ended, when nothing is left to wait for, or when a signal comes. Throws input_error if a file
/// stays unreadable. Rank-local.
void watch_status(const std::string& target, double interval_s, const watch_hooks& hooks);

}  // namespace spikesweep
