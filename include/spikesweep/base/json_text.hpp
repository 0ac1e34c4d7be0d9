#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

namespace spikesweep {

/// JSON on one line, keys in the order in which they were added. A double is a text that reads back to the same bits;
/// a double without fraction stands without ".0", as an integer does. NaN and infinity are null. Bytes that are no
/// UTF-8 are replaced. To make a value, include <nlohmann/json.hpp>.
std::string json_text(nlohmann::ordered_json value);

/// The value of a text of a file; null if the text is no JSON, or if values lie deeper in each other than any that we
/// write: what goes through them level by level would run out of stack.
nlohmann::ordered_json parse_json(std::string_view text);

}  // namespace spikesweep
