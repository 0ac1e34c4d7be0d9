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

}  // namespace

std::string json_text(ordered_json value) {
  write_whole_doubles_as_integers(value);
  return value.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

}  // namespace spikesweep
