#pragma once

#include <string_view>

namespace spikesweep {

/// Seconds of a duration such as "5s", "500ms", "2min" or "1h". Throws input_error, with the allowed forms, unless it
/// is a number followed by one of these units, above zero and at most a day.
double parse_duration(std::string_view text);
/// The same, but zero is allowed, with any unit.
double parse_wait(std::string_view text);

}  // namespace spikesweep
