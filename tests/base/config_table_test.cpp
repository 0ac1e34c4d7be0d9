#include <array>
#include <cstdlib>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <spikesweep/base/config_table.hpp>
#include <spikesweep/base/error.hpp>

namespace spikesweep {

namespace {

using ::testing::HasSubstr;

enum class colour { red, green };

struct settings {
  double length = 1.5;
  int count = 3;
  bool loud = false;
  colour paint = colour::red;
};

std::string_view name_of(colour value) {
  return value == colour::red ? "red" : "green";
}

constexpr std::array rows{
    number_setting<&settings::length>("length", {0, 10}, "mm", "a length").absent_means(0.5),
    whole_setting<&settings::count>("count", {1, 5}, "1", "a count"),
    flag_setting<&settings::loud>("loud", "a flag"),
    choice_setting<&settings::paint, colour::red, colour::green>("paint", "a word").absent_means("green"),
};

config_table make_table(settings& target) {
  config_table table;
  add_settings<settings>(table, "box", config_group::sweep, rows, target);
  return table;
}

std::string error_of(const std::string& text) {
  settings target;
  config_table table = make_table(target);
  try {
    read_toml(table, text, "f.toml");
  } catch (const input_error& error) {
    return error.what();
  }
  return "no error";
}

TEST(config_table, fills_the_settings_in) {
  settings target;
  config_table table = make_table(target);
  read_toml(table, "[box]\nlength = 2\ncount = 4\nloud = true\npaint = \"green\"", "f.toml");
  EXPECT_EQ(target.length, 2);
  EXPECT_EQ(target.count, 4);
  EXPECT_TRUE(target.loud);
  EXPECT_EQ(target.paint, colour::green);
  EXPECT_EQ(table.place_of("box.count")->text(), "f.toml:3");
  EXPECT_FALSE(table.place_of("box.nothing").has_value());
}

TEST(config_table, errors_name_place_key_value_and_what_is_allowed) {
  EXPECT_EQ(error_of("[box]\nlength = 11.5"), "f.toml:2: key 'box.length' = 11.5 is out of range; allowed: 0 to 10 mm");
  EXPECT_EQ(error_of("[box]\n\ncount = 2.5"),
            "f.toml:3: key 'box.count' = 2.5 is not a whole number; allowed: whole numbers 1 to 5");
  EXPECT_EQ(error_of("[box]\nloud = 1"), "f.toml:2: key 'box.loud' = 1 is not true or false; allowed: true, false");
  EXPECT_EQ(error_of("[box]\npaint = \"rde\""),
            "f.toml:2: key 'box.paint' = \"rde\" is unknown; did you mean 'red'?; allowed: red, green");
  EXPECT_EQ(error_of("[box]\nlength = inf"), "f.toml:2: key 'box.length' = inf is not finite; allowed: 0 to 10 mm");
  EXPECT_EQ(error_of("[box]\nlenght = 1"), "f.toml:2: unknown key 'box.lenght'; did you mean 'box.length'?");
  EXPECT_EQ(error_of("count = 1"), "f.toml:1: unknown key 'count'; did you mean 'box.count'?");
  EXPECT_THAT(error_of("[box]\ncount = {a = \"b\"}"), HasSubstr("f.toml:2: key 'box.count' = 'b' has the wrong type"));
}

TEST(config_table, reports_the_first_error_of_a_file_first) {
  EXPECT_THAT(error_of("[box]\npaint = \"blue\"\ncount = 99"), HasSubstr("f.toml:2"));
}

TEST(config_table, errors_are_one_line_even_for_values_of_many_lines) {
  const std::string error = error_of("[box]\npaint = \"\"\"a\nb\nc\"\"\"");
  EXPECT_EQ(error.find('\n'), std::string::npos) << error;
  EXPECT_LT(error_of("[box]\npaint = \"" + std::string(5000, 'x') + "\"").size(), 400U);
}

TEST(config_table, reads_dotted_and_inline_tables_alike) {
  for (const char* text : {"box.count = 4", "box = {count = 4}", "[box]\ncount = 4", "\"box\".\"count\" = 4"}) {
    settings target;
    config_table table = make_table(target);
    read_toml(table, text, "f.toml");
    EXPECT_EQ(target.count, 4) << text;
  }
}

TEST(config_table, lists_values_of_a_group_in_order) {
  settings target;
  const config_table table = make_table(target);
  const std::vector<std::pair<std::string, std::string>> expected{
      {"box.length", "1.5"}, {"box.count", "3"}, {"box.loud", "false"}, {"box.paint", "\"red\""}};
  EXPECT_EQ(table.values(config_group::sweep), expected);
  EXPECT_TRUE(table.values(config_group::learning).empty());
}

TEST(config_table, prints_doubles_that_read_back_to_the_same_bits) {
  for (const double value : {0.1, 1.0 / 3.0, 1e-300, 123456789.123456789, 5e-324}) {
    EXPECT_EQ(std::strtod(to_text(config_value(value)).c_str(), nullptr), value);
  }
}

TEST(config_table, overrides_take_words_without_quotes_and_keys_without_their_section) {
  settings target;
  config_table table = make_table(target);
  const std::vector<std::string> overrides{"paint=green", "box.count=5", "length = 3"};
  EXPECT_EQ(apply_overrides(table, overrides, "box"),
            (std::vector<std::string>{"box.paint", "box.count", "box.length"}));
  EXPECT_EQ(target.paint, colour::green);
  EXPECT_EQ(target.count, 5);
  EXPECT_EQ(target.length, 3);
}

TEST(config_table, keeps_what_older_files_mean_that_lack_a_key) {
  settings target;
  const config_table table = make_table(target);
  EXPECT_EQ(table.find("box.length")->absent, config_value(0.5));
  EXPECT_EQ(table.find("box.paint")->absent, config_value(std::string("green")));
  EXPECT_FALSE(table.find("box.count")->absent.has_value());
}

TEST(setting, of_a_member_of_a_member_is_reached_by_its_path) {
  struct house {
    settings box;
  };
  constexpr auto row = whole_setting<&house::box, &settings::count>("count", {1, 5}, "1", "a count");
  house target;
  row.set(target, std::int64_t{5});
  EXPECT_EQ(target.box.count, 5);
  EXPECT_EQ(row.get(target), setting_value(std::int64_t{5}));
  EXPECT_EQ(row.bytes, 4);
}

TEST(setting, refuses_a_word_that_is_not_allowed) {
  settings target;
  EXPECT_THROW(rows[3].set(target, "blue"), input_error);
  EXPECT_EQ(target.paint, colour::red);
}

TEST(config_table, defining_a_key_twice_is_a_bug) {
  settings target;
  config_table table = make_table(target);
  EXPECT_THROW(add_settings<settings>(table, "box", config_group::sweep, rows, target), internal_error);
}

}  // namespace

}  // namespace spikesweep
