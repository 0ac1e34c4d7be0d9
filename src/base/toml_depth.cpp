#include "toml_depth.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace spikesweep {

namespace {

constexpr int most_levels = 16;  ///< Of one key, and of arrays and tables in each other. Configs need 4.

/// Goes through a TOML text as its parser does, as far as strings and comments decide what a character means. Where the
/// text is no TOML the parser stops; so it never sees more than this.
class depth_scan {
 public:
  explicit depth_scan(std::string_view text) : text_(text) {}

  std::optional<toml_depth_fault> run() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '#') {
        at_ = std::min(text_.find('\n', at_), text_.size());
        continue;
      }
      if (c == '"' || c == '\'') {
        skip_string(c);
        continue;
      }
      count(c);
      if (dots_ >= most_levels) {
        return toml_depth_fault{line_, fmt::format("a key has more than {} levels", most_levels)};
      }
      if (open_ > most_levels) {
        return toml_depth_fault{line_,
                                fmt::format("arrays and tables lie more than {} deep in each other", most_levels)};
      }
      ++at_;
    }
    return std::nullopt;
  }

 private:
  void count(char c) {
    switch (c) {
      case '\n':
        ++line_;
        dots_ = 0;
        break;
      case '[':
      case '{':
        ++open_;
        dots_ = 0;
        break;
      case ']':
      case '}':
        open_ = std::max(0, open_ - 1);
        break;
      case '.':
        ++dots_;
        break;
      case '=':
      case ',':
        dots_ = 0;
        break;
      default:
        break;
    }
  }

  bool quotes_at(std::size_t place, char quote) const {
    return text_.size() - place >= 3 && text_.substr(place, 3) == std::string(3, quote);
  }

  /// A quote of one line ends at the end of the line at the latest: there the parser gives up.
  void skip_string(char quote) {
    const bool many_lines = quotes_at(at_, quote);
    at_ += many_lines ? 3 : 1;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '\n' && !many_lines) {
        return;
      }
      if (c == quote && (!many_lines || quotes_at(at_, quote))) {
        at_ += many_lines ? 3 : 1;
        // Up to two more quotes before the end belong to the text.
        for (int more = 0; many_lines && more < 2 && at_ < text_.size() && text_[at_] == quote; ++more) {
          ++at_;
        }
        return;
      }
      const bool escapes =
          c == '\\' && quote == '"' && at_ + 1 < text_.size() && (many_lines || text_[at_ + 1] != '\n');
      line_ += c == '\n' || (escapes && text_[at_ + 1] == '\n') ? 1 : 0;
      at_ += escapes ? 2 : 1;
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int line_ = 1;
  int dots_ = 0;  ///< Since the last character that ends a key.
  int open_ = 0;  ///< Brackets and braces.
};

}  // namespace

std::optional<toml_depth_fault> find_toml_depth_fault(std::string_view text) {
  return depth_scan(text).run();
}

}  // namespace spikesweep
