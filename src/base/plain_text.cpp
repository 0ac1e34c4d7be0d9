#include <array>
#include <cstddef>

#include <spikesweep/base/plain_text.hpp>

namespace spikesweep {

namespace {

/// A first byte of a character of several bytes (The Unicode Standard, table 3-7).
struct leading_byte {
  unsigned char first, last;             ///< Of this byte.
  unsigned char second_from, second_to;  ///< Of the next one. Further ones are 80 to BF.
  std::size_t length;
};

constexpr std::array leading_bytes{
    leading_byte{0xC2, 0xC2, 0xA0, 0xBF, 2},  // C2 80 to C2 9F are control characters.
    leading_byte{0xC3, 0xDF, 0x80, 0xBF, 2}, leading_byte{0xE0, 0xE0, 0xA0, 0xBF, 3},
    leading_byte{0xE1, 0xEC, 0x80, 0xBF, 3}, leading_byte{0xED, 0xED, 0x80, 0x9F, 3},
    leading_byte{0xEE, 0xEF, 0x80, 0xBF, 3}, leading_byte{0xF0, 0xF0, 0x90, 0xBF, 4},
    leading_byte{0xF1, 0xF3, 0x80, 0xBF, 4}, leading_byte{0xF4, 0xF4, 0x80, 0x8F, 4},
};

bool is_between(unsigned char byte, unsigned char from, unsigned char to) {
  return byte >= from && byte <= to;
}

/// Bytes of the character that the text begins with; 0 if it begins with none that may be printed.
std::size_t character_at_front(std::string_view text) {
  const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  if (byte(0) < 0x80) {
    const bool prints = byte(0) == '\n' || byte(0) == '\t' || is_between(byte(0), 0x20, 0x7E);
    return prints ? 1 : 0;
  }
  for (const leading_byte& kind : leading_bytes) {
    if (!is_between(byte(0), kind.first, kind.last)) {
      continue;
    }
    if (text.size() < kind.length || !is_between(byte(1), kind.second_from, kind.second_to)) {
      return 0;
    }
    for (std::size_t i = 2; i < kind.length; ++i) {
      if (!is_between(byte(i), 0x80, 0xBF)) {
        return 0;
      }
    }
    return kind.length;
  }
  return 0;
}

}  // namespace

std::string plain_text(std::string_view text) {
  constexpr std::string_view replacement = "\xEF\xBF\xBD";
  std::string plain;
  plain.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = character_at_front(text);
    plain += length > 0 ? text.substr(0, length) : replacement;
    text.remove_prefix(length > 0 ? length : 1);
  }
  return plain;
}

}  // namespace spikesweep
