#include <array>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include <spikesweep/base/duration.hpp>
#include <spikesweep/base/error.hpp>

namespace spikesweep {

namespace {

struct duration_unit {
  std::string_view name;
  double seconds;
};

constexpr std::array units{duration_unit{"ms", 1e-3}, duration_unit{"s", 1}, duration_unit{"min", 60},
                           duration_unit{"h", 3600}};
/// Longer than any run that one process should hold in memory [s].
constexpr double longest_duration = 86400;
/// Shorter than any delay of a network [s].
constexpr double shortest_duration = 1e-6;

[[noreturn]] void refuse(std::string_view text, std::string_view reason, double shortest) {
  throw input_error(
      fmt::format("duration '{}' {}; allowed: a number and a unit (ms, s, min, h), from {} to 24h, as in 5s or 500ms",
                  text, reason, shortest > 0 ? "0.001ms" : "0s"));
}

double parse(std::string_view text, double shortest) {
  double number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, failure] = std::from_chars(text.data(), end, number);
  if (failure != std::errc{}) {
    refuse(text, failure == std::errc::result_out_of_range ? "is out of range" : "is not a duration", shortest);
  }
  const std::string_view unit(rest, static_cast<std::size_t>(end - rest));
  if (unit.empty()) {
    refuse(text, "has no unit", shortest);
  }
  for (const duration_unit& known : units) {
    if (known.name == unit) {
      const double seconds = number * known.seconds;
      if (!std::isfinite(seconds) || seconds < shortest || seconds > longest_duration) {
        refuse(text, "is out of range", shortest);
      }
      return seconds;
    }
  }
  refuse(text, fmt::format("has the unknown unit '{}'", unit), shortest);
}

}  // namespace

double parse_duration(std::string_view text) {
  return parse(text, shortest_duration);
}

double parse_wait(std::string_view text) {
  return parse(text, 0);
}

}  // namespace spikesweep
