#include <cmath>
#include <limits>
#include <numbers>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <spikesweep/base/duration.hpp>
#include <spikesweep/base/error.hpp>
#include <spikesweep/base/json_text.hpp>
#include <spikesweep/base/nearest.hpp>
#include <spikesweep/base/portable_math.hpp>
#include <spikesweep/base/progress.hpp>
#include <spikesweep/base/table.hpp>

namespace spikesweep {

namespace {

const std::vector<std::string> names{"S_EE", "S_IE", "tau_EE", "tau_ref", "lambda_E", "inhibition"};

TEST(portable_math, has_the_cosine_of_a_first_quarter) {
  constexpr int steps = 1000;
  for (int i = 0; i <= steps; ++i) {
    const double x = 0.5 * i / steps;
    EXPECT_NEAR(portable_cos_pi(x), std::cos(std::numbers::pi * x), 4e-16) << x;
  }
}

TEST(json, of_great_depth_is_refused) {
  const auto nested = [](int levels) {
    return std::string(static_cast<std::size_t>(levels), '[') + std::string(static_cast<std::size_t>(levels), ']');
  };
  EXPECT_FALSE(parse_json(nested(10)).is_null());
  EXPECT_TRUE(parse_json(nested(100)).is_null());
  EXPECT_TRUE(parse_json("{\"a\":" + nested(1'000'000) + "}").is_null());
  EXPECT_TRUE(parse_json("{\"a\":").is_null());
  EXPECT_EQ(parse_json("{\"a\":[1]}")["a"][0], 1);
}

TEST(nearest_name, finds_the_name_that_was_meant) {
  EXPECT_EQ(nearest_name("S_EE", names), "S_EE");
  EXPECT_EQ(nearest_name("s_ie", names), "S_IE");
  EXPECT_EQ(nearest_name("tau_rfe", names), "tau_ref");
  EXPECT_EQ(nearest_name("lamda_E", names), "lambda_E");
  EXPECT_EQ(nearest_name("inhibitions", names), "inhibition");
}

TEST(nearest_name, counts_a_swap_of_neighbours_as_one_error) {
  EXPECT_EQ(nearest_name("abdc", std::vector<std::string>{"abcd"}), "abcd");
}

TEST(nearest_name, stays_silent_when_nothing_is_near) {
  EXPECT_EQ(nearest_name("banana", names), "");
  EXPECT_EQ(nearest_name("", names), "");
  EXPECT_EQ(nearest_name("x", std::vector<std::string>{"y"}), "");
  EXPECT_EQ(nearest_name("S_EE", {}), "");
  EXPECT_EQ(nearest_name(std::string(100000, 'a'), names), "");
}

TEST(parse_duration, understands_every_unit) {
  EXPECT_DOUBLE_EQ(parse_duration("5s"), 5);
  EXPECT_DOUBLE_EQ(parse_duration("500ms"), 0.5);
  EXPECT_DOUBLE_EQ(parse_duration("2min"), 120);
  EXPECT_DOUBLE_EQ(parse_duration("1.5h"), 5400);
  EXPECT_DOUBLE_EQ(parse_duration("1e3ms"), 1);
  EXPECT_DOUBLE_EQ(parse_duration("24h"), 86400);
}

TEST(parse_duration, refuses_everything_else) {
  for (const char* text :
       {"", "s", "5", "5 s", " 5s", "5sec", "0s", "-1s", "nans", "infs", "25h", "1e400s", "1e-9s", "0x5s", "5s5s"}) {
    EXPECT_THROW(parse_duration(text), input_error) << text;
  }
}

TEST(json_text, writes_one_line_with_the_keys_in_their_order) {
  const nlohmann::ordered_json inner{{"n", 3}};
  const nlohmann::ordered_json object{{"text", "a \"b\"\n\\\x01"}, {"yes", true},    {"x", 0.1},
                                      {"list", {1.0, 2.5}},        {"inner", inner}, {"objects", {inner, inner}}};
  EXPECT_EQ(json_text(object), R"({"text":"a \"b\"\n\\\u0001","yes":true,"x":0.1,"list":[1,2.5],)"
                               R"("inner":{"n":3},"objects":[{"n":3},{"n":3}]})");
}

TEST(json_text, writes_a_double_without_fraction_as_an_integer) {
  EXPECT_EQ(json_text({40.0, -3.0, 123456789012.0, 1e300}), "[40,-3,123456789012,1e+300]");
  EXPECT_EQ(json_text(-0.0), "-0.0");
}

TEST(json_text, replaces_bytes_that_are_no_text) {
  EXPECT_EQ(json_text("a\xff"), "\"a\xEF\xBF\xBD\"");
}

TEST(json_text, keeps_every_bit_of_a_double_and_knows_no_infinity) {
  EXPECT_EQ(std::stod(json_text(1.0 / 3.0)), 1.0 / 3.0);
  EXPECT_EQ(json_text(std::nan("")), "null");
  EXPECT_EQ(json_text(-std::numeric_limits<double>::infinity()), "null");
  EXPECT_EQ(json_text(std::numeric_limits<std::uint64_t>::max()), "18446744073709551615");
}

TEST(text_table, aligns_numbers_right_and_words_left) {
  text_table table({"name", "value"});
  table.add_row({"a", "1"});
  table.add_row({"long name", "12.5"});
  table.add_row({"none", "-"});
  std::ostringstream out;
  table.print(out);
  EXPECT_EQ(out.str(), "name       value\na              1\nlong name   12.5\nnone           -\n");
  EXPECT_THROW(table.add_row({"too few"}), internal_error);
}

TEST(readable, is_short_and_has_a_unit) {
  EXPECT_EQ(readable(1234.5678), "1235");
  EXPECT_EQ(readable(std::nan("")), "-");
  EXPECT_EQ(readable_bytes(1.5e9), "1.5 GB");
  EXPECT_EQ(readable_bytes(12), "12 B");
  EXPECT_EQ(readable_duration(0.85), "850 ms");
  EXPECT_EQ(readable_duration(12), "12 s");
  EXPECT_EQ(readable_duration(200), "3 min 20 s");
  EXPECT_EQ(readable_duration(7500), "2 h 5 min");
}

/// Progress into strings, at a time of the test's choice.
struct recorded_progress {
  double now = 0;
  std::string drawn;
  std::vector<std::string> logged;

  progress_output output(bool terminal) {
    return {terminal, [this](std::string_view text) { drawn += text; },
            [this](const std::string& text) { logged.push_back(text); }, [this] { return now; }};
  }
};

TEST(progress_line, logs_the_first_one_a_minute_and_the_last_into_a_file) {
  recorded_progress record;
  {
    progress_line line(record.output(false));
    for (int second = 0; second < 130; ++second) {
      record.now = second;
      line.update(std::to_string(second));
    }
    line.finish("end");
  }
  EXPECT_EQ(record.logged, (std::vector<std::string>{"0", "60", "120", "end"}));
  EXPECT_EQ(record.drawn, "");
}

TEST(progress_line, redraws_one_line_on_a_terminal) {
  recorded_progress record;
  {
    progress_line line(record.output(true));
    line.update("a");
    line.update("too soon");
    record.now = 1;
    line.update("b");
    line.finish("c");
  }
  EXPECT_EQ(record.drawn, "\r\x1b[Ka\r\x1b[Kb\r\x1b[Kc\n");
  EXPECT_TRUE(record.logged.empty());
}

TEST(progress_line, is_cut_to_the_width_of_the_terminal_but_for_its_end) {
  recorded_progress record;
  progress_output narrow = record.output(true);
  narrow.columns = 5;
  progress_line line(narrow);
  line.update("12345678");
  record.now = 1;
  line.update("123\xc3\xa9 8");
  line.finish("12345678");
  EXPECT_EQ(record.drawn, "\r\x1b[K1234\r\x1b[K123\r\x1b[K12345678\n");
}

TEST(progress_line, ends_its_line_when_the_work_throws) {
  recorded_progress record;
  {
    progress_line line(record.output(true));
    line.update("a");
  }
  EXPECT_EQ(record.drawn, "\r\x1b[Ka\n");
}

}  // namespace

}  // namespace spikesweep
