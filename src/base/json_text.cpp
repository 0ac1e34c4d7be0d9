#include <cmath>

#include <nlohmann/json.hpp>

#include <spikesweep/base/json_text.hpp>

namespace spikesweep {

namespace {

using nlohmann::ordered_json;

/// From here on a double needs an exponent: its digits would say more than it knows.
constexpr double longest_whole = 1e16;

void write_whole_doubles_as_integers(ordered_json& value) {
  if (value.is_number_float()) {
    const double number = value.get<double>();
    if (std::abs(number) < longest_whole && number == std::trunc(number) && !(number == 0 && std::signbit(number))) {
      value = static_cast<std::int64_t>(number);
    }
  } else if (value.is_structured()) {
    for (ordered_json& part : value) {
      write_whole_doubles_as_integers(part);
    }
  }
}

/// Of values in each other.
constexpr int most_levels = 16;

}  // namespace

ordered_json parse_json(std::string_view text) {
  bool too_deep = false;
  const auto look = [&too_deep](int depth, ordered_json::parse_event_t, ordered_json&) {
    too_deep = too_deep || depth > most_levels;
    return !too_deep;
  };
  auto value = ordered_json::parse(text, look, false);
  return too_deep || value.is_discarded() ? ordered_json() : value;
}

std::string json_text(ordered_json value) {
  write_whole_doubles_as_integers(value);
  return value.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

}  // namespace spikesweep
