// For what a surrogate is good, in one line.
#include <cmath>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <spikesweep/surrogate/usefulness.hpp>

namespace spikesweep {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;
using grade = usefulness::grade_type;

/// Of a network whose figures are all 1, with runs that are off by some factors.
class a_validation {
 public:
  a_validation() {
    for (int i = 0; i < 12; ++i) {
      point_result point;
      point.point = i;
      for (const std::string run : {"exact", "exact_repeat", "surrogate", "emulator"}) {
        run_result one;
        one.run = run;
        for (const figure& f : compared_figures()) {
          one.figures[f] = 1;
        }
        point.runs.push_back(one);
      }
      result.points.push_back(point);
    }
  }

  void set(const std::string& run, const std::string& figure, double value) {
    for (point_result& point : result.points) {
      std::ranges::find(point.runs, run, &run_result::run)->figures[figure] = value;
    }
  }

  validation_result result;
};

TEST(usefulness, is_good_if_every_figure_is_of_use) {
  a_validation v;
  v.set("surrogate", "rate_E_hz", 1.005);
  v.set("surrogate", "fano_E_1ms", 0.95);
  v.set("surrogate", "fano_I_100ms", 3);  // No verdict asks for it.
  const usefulness found = usefulness_of(v.result);
  EXPECT_EQ(found.grade, grade::good);
  EXPECT_THAT(found.useful, Contains("fano_E_1ms"));
  EXPECT_THAT(found.useless, IsEmpty());
  EXPECT_THAT(words_of(found), AllOf(StartsWith("verdict: good for rate_E_hz, rate_I_hz"), Not(HasSubstr("try"))));
}

TEST(usefulness, names_the_figures_that_are_not_of_use_the_worst_first) {
  a_validation v;
  v.set("surrogate", "fano_E_1ms", 0.8);
  v.set("surrogate", "size_cv", 1.5);
  const usefulness found = usefulness_of(v.result);
  EXPECT_EQ(found.grade, grade::partly);
  EXPECT_THAT(found.useless, ElementsAre("size_cv", "fano_E_1ms"));
  EXPECT_THAT(words_of(found), AllOf(HasSubstr("not for size_cv, fano_E_1ms: size_cv is wrong by 50 % (median; 10 is "),
                                     HasSubstr("learning.epochs")));
}

TEST(usefulness, does_not_ask_for_less_than_the_noise_of_exact_runs) {
  a_validation v;
  v.set("surrogate", "fano_E_1ms", 0.8);
  v.set("exact_repeat", "fano_E_1ms", 1.15);
  EXPECT_EQ(usefulness_of(v.result).grade, grade::good);
}

TEST(usefulness, is_bad_if_a_rate_is_wrong_and_says_what_to_try) {
  a_validation v;
  v.set("surrogate", "rate_I_hz", 1.06);
  EXPECT_EQ(usefulness_of(v.result).grade, grade::bad);
  EXPECT_THAT(words_of(usefulness_of(v.result)),
              AllOf(StartsWith("verdict: not to be used: rate_I_hz is wrong by 6 %"), HasSubstr("longer training")));
  v.set("emulator", "rate_I_hz", 1.04);  // The points say too little.
  EXPECT_THAT(words_of(usefulness_of(v.result)), HasSubstr("design.points"));
}

TEST(usefulness, is_bad_if_chains_ran_away) {
  a_validation v;
  v.result.points[3].runaway = true;
  EXPECT_EQ(usefulness_of(v.result).grade, grade::bad);
  EXPECT_THAT(words_of(usefulness_of(v.result)), AllOf(HasSubstr("ran away at 8 %"), HasSubstr("perturb_share")));
}

TEST(usefulness, of_a_figure_that_the_surrogate_lacks_is_none) {
  a_validation v;
  v.set("surrogate", "peak_hz", std::nan(""));
  EXPECT_THAT(words_of(usefulness_of(v.result)),
              AllOf(HasSubstr("not for peak_hz"), HasSubstr("peak_hz is undefined")));
  v.set("exact", "peak_hz", std::nan(""));  // Nor does the network have it.
  EXPECT_EQ(usefulness_of(v.result).grade, grade::good);
}

TEST(usefulness, is_not_known_from_one_point) {
  a_validation v;
  v.result.points.resize(1);
  EXPECT_EQ(usefulness_of(v.result).grade, grade::unknown);
  EXPECT_THAT(words_of(usefulness_of(v.result)),
              AllOf(HasSubstr("1 test point cannot tell"), HasSubstr("test_points")));
  v.result.points.clear();
  EXPECT_EQ(usefulness_of(v.result).grade, grade::unknown);
}

}  // namespace
}  // namespace spikesweep
