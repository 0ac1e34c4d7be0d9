#include <cmath>
#include <numeric>

#include <gtest/gtest.h>

#include <spikesweep/base/random.hpp>
#include <spikesweep/surrogate/validation.hpp>
#include <spikesweep/surrogate/verdict.hpp>

namespace spikesweep {
namespace {

/// A rate in so many batches of 2.5 s: a mean, and normal noise of a deviation that is given for one second.
batched_rate drawn(random_stream& stream, int batches, double mean, double deviation_1s) {
  batched_rate rate;
  rate.batch_s = 2.5;
  for (int i = 0; i < batches; ++i) {
    rate.batches.push_back(mean + deviation_1s / std::sqrt(rate.batch_s) * stream.normal());
  }
  return rate;
}

TEST(verdict, runs_of_one_network_are_told_apart_at_the_level_of_the_test_whatever_their_length) {
  random_stream stream(1, purpose::test);
  for (const int batches : {8, 80}) {
    int apart = 0;
    double p = 0;
    constexpr int points = 4000;
    for (int i = 0; i < points; ++i) {
      const auto exact = drawn(stream, batches, 10, 0.1);
      const auto compared = compare_rates(exact, drawn(stream, batches, 10, 0.1), drawn(stream, batches, 10, 0.1), 20);
      apart += compared.verdict == verdict::indistinguishable ? 0 : 1;
      p += compared.p / points;
    }
    // 4 standard errors.
    EXPECT_NEAR(apart, verdict_level * points, 4 * std::sqrt(0.05 * 0.95 * points)) << batches;
    EXPECT_NEAR(p, 0.5, 4 / std::sqrt(12.0 * points)) << batches;
  }
}

TEST(verdict, the_noise_floor_is_compared_at_the_same_level) {
  random_stream stream(2, purpose::test);
  int apart = 0;
  constexpr int points = 4000;
  for (int i = 0; i < points; ++i) {
    const auto exact = drawn(stream, 8, 10, 0.1);
    const auto repeat = drawn(stream, 8, 10, 0.1);
    apart += compare_rates(exact, repeat, repeat, 20).verdict == verdict::indistinguishable ? 0 : 1;
  }
  EXPECT_NEAR(apart, verdict_level * points, 4 * std::sqrt(0.05 * 0.95 * points));
}

TEST(verdict, a_bias_is_found_as_often_as_the_noise_of_the_length_in_question_allows) {
  random_stream stream(3, purpose::test);
  // Two runs of 20 s differ by 0.1 sqrt(2 / 20) Hz = 0.0316 Hz (one standard error). A bias of 2.8 of these, 0.9 %, is
  // found by a normal test with probability 0.80; by Student's with 158 degrees of freedom hardly less.
  const double bias = 2.8 * 0.1 * std::sqrt(2.0 / 20);
  int apart = 0;
  constexpr int points = 2000;
  for (int i = 0; i < points; ++i) {
    const auto exact = drawn(stream, 80, 10, 0.1);
    const auto compared = compare_rates(exact, drawn(stream, 80, 10, 0.1), drawn(stream, 80, 10 + bias, 0.1), 20);
    ASSERT_NE(compared.verdict, verdict::worse) << "0.9 % is within 2 %";
    apart += compared.verdict == verdict::within_tolerance ? 1 : 0;
  }
  EXPECT_NEAR(apart, 0.795 * points, 4 * std::sqrt(0.8 * 0.2 * points));
}

TEST(verdict, beyond_the_tolerance_is_worse) {
  random_stream stream(4, purpose::test);
  const auto exact = drawn(stream, 8, 10, 0.1);
  const auto repeat = drawn(stream, 8, 10, 0.1);
  EXPECT_EQ(compare_rates(exact, repeat, drawn(stream, 8, 10.5, 0.1), 20).verdict, verdict::worse);
  EXPECT_EQ(compare_rates(exact, repeat, drawn(stream, 8, 9.5, 0.1), 20).verdict, verdict::worse);
}

TEST(verdict, unsteadiness_does_not_excuse_a_surrogate) {
  random_stream stream(5, purpose::test);
  int apart = 0;
  for (int i = 0; i < 200; ++i) {
    const auto exact = drawn(stream, 8, 10, 0.1);
    const auto compared = compare_rates(exact, drawn(stream, 8, 10, 0.1), drawn(stream, 8, 10, 2), 20);
    apart += compared.verdict == verdict::indistinguishable ? 0 : 1;
  }
  // Its mean is off by 14 of the network's standard errors: nine in ten are found (200 points; 4 standard errors: 17).
  EXPECT_GT(apart, 160);
}

TEST(verdict, without_an_exact_rate_is_undefined) {
  random_stream stream(6, purpose::test);
  const auto rate = drawn(stream, 8, 10, 0.1);
  EXPECT_EQ(compare_rates({}, rate, rate, 20).verdict, verdict::undefined);
  EXPECT_EQ(compare_rates(rate, {}, rate, 20).verdict, verdict::undefined);
}

TEST(verdict, without_any_noise_only_equal_rates_are_indistinguishable) {
  const batched_rate ten{std::vector<double>(8, 10.0), 2.5};
  const batched_rate more{std::vector<double>(8, 10.1), 2.5};
  EXPECT_EQ(compare_rates(ten, ten, ten, 20).verdict, verdict::indistinguishable);
  EXPECT_EQ(compare_rates(ten, ten, more, 20).verdict, verdict::within_tolerance);
}

TEST(verdict, batches_are_at_least_eight_and_fit_into_the_length_in_question) {
  EXPECT_EQ(batches_per_part(8, 2.5, 20), 1) << "independent runs of 2.5 s, eight of them in 20 s";
  EXPECT_EQ(batches_per_part(4, 5, 20), 2);
  EXPECT_EQ(batches_per_part(1, 1.5, 20), 8);
  EXPECT_EQ(batches_per_part(8, 25, 20), 10) << "of 2.5 s";
  EXPECT_EQ(batches_per_part(8, 2.5, 1), 5) << "none below half a second";
}

TEST(batched_rate, standard_error_is_that_of_the_mean_of_its_batches) {
  const batched_rate rate{{9, 10, 11, 12}, 1};
  EXPECT_NEAR(rate.mean(), 10.5, 1e-12);
  EXPECT_NEAR(rate.standard_error(), std::sqrt(5.0 / 3 / 4), 1e-12);
  EXPECT_TRUE(std::isnan(batched_rate{}.mean()));
  EXPECT_TRUE(std::isnan((batched_rate{{1}, 1}).standard_error()));
}

point_result point_with(verdict E, verdict I) {
  point_result p;
  p.runs.resize(2);
  p.runs[0].run = "exact";
  p.runs[1].run = "surrogate";
  p.runs[0].batches_E = p.runs[0].batches_I = {{10, 10}, 1};
  p.runs[1].batches_E = p.runs[1].batches_I = {{10, 10.2}, 1};
  p.runs[1].rate_E.verdict = E;
  p.runs[1].rate_I.verdict = I;
  return p;
}

TEST(validation, a_point_has_the_worse_of_its_rates_verdicts_and_shares_leave_undefined_ones_out) {
  validation_result result;
  result.points = {point_with(verdict::indistinguishable, verdict::indistinguishable),
                   point_with(verdict::indistinguishable, verdict::within_tolerance),
                   point_with(verdict::worse, verdict::within_tolerance),
                   point_with(verdict::indistinguishable, verdict::worse),
                   point_with(verdict::undefined, verdict::indistinguishable)};
  const auto table = verdict_table(result);
  ASSERT_EQ(table.size(), 1U);
  EXPECT_EQ(table[0].run, "surrogate");
  EXPECT_EQ(table[0].points, (std::array<int, verdict_count>{1, 1, 2, 1}));
  EXPECT_EQ(table[0].share(verdict::worse), 0.5);
  const auto errors = standard_error_table(result);
  ASSERT_EQ(errors.size(), 2U);
  EXPECT_EQ(errors[0].quantity, "rate_E_hz");
  EXPECT_NEAR(errors[0].median, 1, 1e-9) << "0.1 Hz of 10 Hz";
}

}  // namespace
}  // namespace spikesweep
