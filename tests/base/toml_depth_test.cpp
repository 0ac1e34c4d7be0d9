#include "base/toml_depth.hpp"

#include <string>

#include <gtest/gtest.h>

namespace spikesweep {
namespace {

std::string repeated(const std::string& part, int times) {
  std::string text;
  for (int i = 0; i < times; ++i) {
    text += part;
  }
  return text;
}

int line_of(const std::string& text) {
  const auto fault = find_toml_depth_fault(text);
  return fault ? fault->line : 0;
}

TEST(toml_depth, of_keys_is_limited) {
  EXPECT_EQ(line_of(repeated("a.", 15) + "a = 1"), 0);
  EXPECT_EQ(line_of("b = 1\n" + repeated("a.", 16) + "a = 1"), 2);
  EXPECT_EQ(line_of("\n\n[" + repeated("a.", 32000) + "a]"), 3);
  EXPECT_EQ(line_of("x = {" + repeated("a . ", 32000) + "a = 1}"), 1);
}

TEST(toml_depth, of_values_is_limited) {
  EXPECT_EQ(line_of("x = " + repeated("[", 16) + repeated("]", 16)), 0);
  EXPECT_EQ(line_of("x = " + repeated("[", 17)), 1);
  EXPECT_EQ(line_of("x = " + repeated("[\n", 32000)), 17);
  EXPECT_EQ(line_of("x = " + repeated("{a = ", 32000)), 1);
}

TEST(toml_depth, means_what_the_parser_reads) {
  const std::string dots(100, '.');
  for (const std::string& text :
       {"# " + dots, "x = '" + dots + "'", "x = \"\\\"" + dots + "\"",
        "x = \"\"\"\n" + dots + "\"" + dots + "\"\"\"\"\"", "x = '''" + dots + "''" + dots + "'''", "x = '' # " + dots,
        "x = [1.5, 2.5]\n" + repeated("y = 0.5\n", 100)}) {
    EXPECT_EQ(line_of(text), 0) << text;
  }
  // Behind the end of a string the text counts again.
  for (const std::string& text :
       {"x = ''" + dots, "x = \"a\\\\\"" + dots, "x = '''a'''''" + dots, "x = 'a\n" + dots, "x = \"a\\\n" + dots}) {
    EXPECT_NE(line_of(text), 0) << text;
  }
}

}  // namespace
}  // namespace spikesweep
