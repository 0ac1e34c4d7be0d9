#include <array>

#include <spikesweep/base/utc.hpp>

namespace spikesweep {

namespace {

constexpr const char* format = "%Y-%m-%dT%H:%M:%SZ";

}  // namespace

std::string utc_text(std::time_t seconds_since_1970) {
  std::tm utc{};
  gmtime_r(&seconds_since_1970, &utc);
  std::array<char, 32> text{};
  return {text.data(), std::strftime(text.data(), text.size(), format, &utc)};
}

std::optional<std::time_t> read_utc(const std::string& text) {
  std::tm utc{};
  return ::strptime(text.c_str(), format, &utc) != nullptr ? std::optional(::timegm(&utc)) : std::nullopt;
}

}  // namespace spikesweep
