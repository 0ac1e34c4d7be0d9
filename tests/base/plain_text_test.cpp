#include <string>

#include <gtest/gtest.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/base/plain_text.hpp>

namespace spikesweep {
namespace {

const std::string replacement = "\xEF\xBF\xBD";

TEST(plain_text, keeps_text) {
  for (const std::string text : {"", "a\tb\n", "µ, é, ∞, 😀", "\xEF\xBF\xBD"}) {
    EXPECT_EQ(plain_text(text), text);
  }
}

TEST(plain_text, replaces_what_a_terminal_would_obey) {
  EXPECT_EQ(plain_text("a\x1b[2Jb\rc\x7f"), "a" + replacement + "[2Jb" + replacement + "c" + replacement);
  EXPECT_EQ(plain_text("\xC2\x9B"
                       "1m"),
            replacement + replacement + "1m");  // A control character of two bytes.
  EXPECT_EQ(plain_text(std::string("a\0b", 3)), "a" + replacement + "b");
}

TEST(plain_text, replaces_bytes_that_are_no_text) {
  for (const std::string bytes : {"\xff", "\xc3", "\xc0", "\xf5"}) {
    EXPECT_EQ(plain_text("a" + bytes), "a" + replacement);
  }
  EXPECT_EQ(plain_text("\xC0\x80"), replacement + replacement);                    // Zero in two bytes.
  EXPECT_EQ(plain_text("\xED\xA0\x80"), replacement + replacement + replacement);  // Half of a pair.
  EXPECT_EQ(plain_text("\xF0\x9F\x98"), replacement + replacement + replacement);  // Cut off.
}

TEST(plain_text, is_what_errors_say) {
  EXPECT_EQ(std::string(input_error(std::string("a\0b\xff", 4)).what()), "a" + replacement + "b" + replacement);
}

}  // namespace
}  // namespace spikesweep
