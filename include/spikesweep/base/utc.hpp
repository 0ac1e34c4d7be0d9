#pragma once

#include <ctime>
#include <optional>
#include <string>

namespace spikesweep {

/// A time as people and programs read it: "2026-11-27T16:45:00Z".
std::string utc_text(std::time_t seconds_since_1970);

/// The time of such a text [s since 1970]; nothing if it is none.
std::optional<std::time_t> read_utc(const std::string& text);

}  // namespace spikesweep
