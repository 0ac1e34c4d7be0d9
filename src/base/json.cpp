#include <cmath>

#include <fmt/format.h>

#include <spikesweep/base/json.hpp>

namespace spikesweep {

std::string json_text(double value) {
  return std::isfinite(value) ? fmt::format("{}", value) : "null";
}

std::string json_text(bool value) {
  return value ? "true" : "false";
}

std::string json_text(std::string_view value) {
  std::string text = "\"";
  for (const char c : value) {
    switch (c) {
      case '"':
        text += "\\\"";
        break;
      case '\\':
        text += "\\\\";
        break;
      case '\n':
        text += "\\n";
        break;
      case '\t':
        text += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          text += fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
        } else {
          text += c;
        }
    }
  }
  return text + "\"";
}

void json_object::append(std::string_view key, const std::string& value) {
  members_ += (members_.empty() ? "" : ", ") + json_text(key) + ": " + value;
}

}  // namespace spikesweep
