// Spectra, and what is read off them, where the answer is known.
#include <cmath>
#include <numbers>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <spikesweep/base/random.hpp>
#include <spikesweep/network/spectrum.hpp>
#include <spikesweep/network/statistics.hpp>

namespace spikesweep {
namespace {

using ::testing::HasSubstr;

std::vector<double> noise(std::size_t n, double deviation) {
  random_stream stream(7, purpose::test);
  std::vector<double> out(n);
  for (auto& x : out) {
    x = deviation * stream.normal();
  }
  return out;
}

struct bump {
  double centre;
  double height;
  double deviation;
};

/// Gaussian peaks over a floor, every 1 Hz up to 500 Hz.
spectrum bumps(const std::vector<bump>& all, double floor = 1e-6) {
  spectrum s;
  for (int f = 0; f <= 500; ++f) {
    s.frequency.push_back(f);
    s.power.push_back(floor);
    for (const bump& b : all) {
      s.power.back() += b.height * std::exp(-0.5 * std::pow((f - b.centre) / b.deviation, 2));
    }
  }
  return s;
}

TEST(welch, integrates_to_the_variance) {
  const std::vector<std::vector<double>> series{noise(100000, 2.0)};
  const spectrum s = welch(series, 1e-3, 1000);
  ASSERT_EQ(s.frequency.size(), 501U);
  EXPECT_DOUBLE_EQ(s.frequency[1], 1.0);
  double integral = 0;
  for (const double p : s.power) {
    integral += p * (s.frequency[1] - s.frequency[0]);
  }
  // 100000 values: the variance 4 is known to sqrt(2e-5) = 0.45 %; removing the means takes 0.2 % off.
  EXPECT_NEAR(integral, 4.0, 4.0 * 0.02);
  EXPECT_NEAR(band_power(s, {100, 200}), 0.8, 0.8 * 0.05) << "a fifth of the 500 Hz";
}

TEST(welch, of_series_that_are_too_short_is_empty) {
  EXPECT_TRUE(welch(std::vector<std::vector<double>>{noise(999, 1)}, 1e-3, 1000).frequency.empty());
  EXPECT_TRUE(welch({}, 1e-3, 1000).frequency.empty());
  EXPECT_TRUE(welch(std::vector<std::vector<double>>{noise(999, 1)}, 1e-3, 1).frequency.empty());
  EXPECT_TRUE(std::isnan(find_peak({}).frequency));
  EXPECT_EQ(doubt_of_peak({}).fault, peak_fault::none);
  EXPECT_TRUE(std::isnan(band_power({}, {5, 20})));
}

TEST(peak, of_a_sine_is_at_its_frequency) {
  std::vector<double> series = noise(20000, 0.05);
  for (std::size_t i = 0; i < series.size(); ++i) {
    series[i] += std::numbers::sqrt2 * std::sin(2 * std::numbers::pi * 37.3 * static_cast<double>(i) * 1e-3);
  }
  const spectrum s = welch(std::vector<std::vector<double>>{series}, 1e-3, 1000);
  EXPECT_NEAR(find_peak(s).frequency, 37.3, 0.3);
  EXPECT_NEAR(10 * std::log10(band_power(s, {20, 60})), 0, 0.05) << "a power of 1";
}

TEST(peak, has_the_width_and_the_power_of_its_smoothed_shape) {
  const spectral_peak peak = find_peak(bumps({{60, 5, 6}}));
  // Smoothing with 2 Hz makes a Gaussian of deviation sqrt(6^2 + 2^2), lower by 6 over this.
  const double deviation = std::sqrt(40.0);
  EXPECT_NEAR(peak.frequency, 60, 1e-6);
  EXPECT_NEAR(peak.power, 5 * 6 / deviation, 0.02);
  EXPECT_NEAR(peak.width, 2 * deviation * std::sqrt(2 * std::numbers::ln2), 0.1);
  EXPECT_TRUE(std::isnan(peak.ratio)) << "there is no second peak";
}

TEST(peak, of_a_broad_band_is_its_centre) {
  spectrum s;
  for (int f = 0; f <= 500; ++f) {
    s.frequency.push_back(f);
    s.power.push_back(1 / (1 + std::pow((f - 70.0) / 15.0, 2)));
  }
  EXPECT_NEAR(find_peak(s).frequency, 70, 0.2);
}

TEST(peak, is_compared_with_the_second_peak_of_the_band) {
  const spectrum s = bumps({{40, 8, 3}, {75, 2, 3}, {160, 20, 3}});
  const spectral_peak peak = find_peak(s);
  EXPECT_NEAR(peak.frequency, 40, 0.01);
  EXPECT_NEAR(peak.ratio, 4, 1e-3);
  EXPECT_NEAR(find_peak(s, {60, 120}).frequency, 75, 0.01);
  EXPECT_TRUE(std::isnan(find_peak(s, {60, 120}).ratio));
}

TEST(peak, is_no_slope_of_a_peak_outside_the_band) {
  const spectrum s = bumps({{10, 8, 8}});
  EXPECT_TRUE(std::isnan(find_peak(s).frequency));
  EXPECT_NEAR(find_peak(s, {5, 120}).frequency, 10, 0.5);
  const spectrum flat = bumps({});
  EXPECT_TRUE(std::isnan(find_peak(flat).frequency));
}

TEST(peak, is_doubted_if_a_higher_one_lies_outside_the_band) {
  const spectrum s = bumps({{12, 20, 2}, {40, 5, 3}});
  const peak_doubt doubt = doubt_of_peak(s);
  EXPECT_EQ(doubt.fault, peak_fault::elsewhere);
  EXPECT_NEAR(doubt.other_hz, 12, 0.1);
  EXPECT_THAT(words_of(doubt, 40, usual_peak_band), HasSubstr("is at 12 Hz, outside 20 to 120 Hz"));
  EXPECT_EQ(doubt_of_peak(s, {5, 120}).fault, peak_fault::none);
  EXPECT_EQ(doubt_of_peak(bumps({{12, 8, 3}, {40, 7, 3}})).fault, peak_fault::none) << "both are as high";
  const std::string nothing = words_of(doubt_of_peak(s, {60, 120}), find_peak(s, {60, 120}).frequency, {60, 120});
  EXPECT_THAT(nothing, HasSubstr("within it there is none"));
}

TEST(peak, is_doubted_if_its_second_harmonic_stands_out) {
  const peak_doubt doubt = doubt_of_peak(bumps({{30, 5, 3}, {60, 4, 3}, {90, 0.2, 3}}));
  EXPECT_EQ(doubt.fault, peak_fault::subharmonic);
  EXPECT_NEAR(doubt.other_hz, 60, 0.2);
  EXPECT_THAT(words_of(doubt, 30, usual_peak_band), HasSubstr("may be a subharmonic"));
  // The harmonics of narrow volleys fall off evenly.
  EXPECT_EQ(doubt_of_peak(bumps({{30, 5, 3}, {60, 3, 3}, {90, 1.5, 3}, {120, 0.6, 3}})).fault, peak_fault::none);
  EXPECT_EQ(doubt_of_peak(bumps({{30, 5, 3}, {60, 0.3, 3}})).fault, peak_fault::none);
  // In an irregular rhythm, which fills the valley, they have to fall off faster.
  EXPECT_EQ(doubt_of_peak(bumps({{30, 5, 8}, {60, 2, 8}, {90, 0.5, 8}}, 0.05)).fault, peak_fault::subharmonic);
  EXPECT_EQ(doubt_of_peak(bumps({{30, 5, 4}, {60, 2, 4}, {90, 0.5, 4}}, 0.05)).fault, peak_fault::none);
  EXPECT_EQ(doubt_of_peak(bumps({{30, 5, 8}, {60, 2, 8}, {90, 1.5, 8}}, 0.05)).fault, peak_fault::none);
  EXPECT_EQ(doubt_of_peak(bumps({{30, 5, 8}, {60, 2.5, 8}, {90, 1, 8}}, 0.4)).fault, peak_fault::none) << "background";
  EXPECT_EQ(words_of({}, 30, usual_peak_band), "");
}

TEST(spectrum, distances_of_the_same_and_of_the_doubled_are_known) {
  const spectrum s = bumps({{40, 8, 3}}, 0.1);
  spectrum doubled = s;
  for (auto& p : doubled.power) {
    p *= 2;
  }
  EXPECT_NEAR(spectrum_distance(s, s), 0, 1e-12);
  EXPECT_NEAR(spectrum_distance(doubled, s), 1, 1e-12);
  EXPECT_NEAR(log_spectrum_distance(s, s), 0, 1e-12);
  EXPECT_NEAR(log_spectrum_distance(doubled, s), 10 * std::log10(2.0), 1e-9);
  EXPECT_NEAR(log_spectrum_distance(s, doubled), 10 * std::log10(2.0), 1e-9) << "neither is the truth";
  EXPECT_TRUE(std::isnan(log_spectrum_distance(s, {})));
  EXPECT_TRUE(std::isnan(log_spectrum_distance(s, s, {5, 501}))) << "it does not cover the band";
  spectrum silent = s;
  std::ranges::fill(silent.power, 0.0);
  EXPECT_TRUE(std::isnan(log_spectrum_distance(silent, s)));
}

TEST(doubt_of_peak, takes_nothing_below_the_peak_for_its_harmonic) {
  // A high plateau below the maximum draws the centre of the peak to less than half of the maximum's frequency.
  const frequency_band wide{1, 120};
  spectrum s = bumps({{110, 0.35, 2}, {85, 0.1, 2}});
  for (std::size_t i = 1; i <= 112; ++i) {
    s.power[i] += i <= 50 ? 1 : 0.82;
  }
  const spectral_peak peak = find_peak(s, wide);
  ASSERT_NEAR(2 * peak.frequency, 85, 8);
  ASSERT_GT(peak.power, 1.02);
  EXPECT_FALSE(doubt_of_peak(s, wide)) << words_of(doubt_of_peak(s, wide), peak.frequency, wide);
}

TEST(doubt_of_peak, names_a_frequency_above_or_outside_whatever_the_spectrum) {
  random_stream stream(11, purpose::test);
  int doubts = 0;
  for (int n = 0; n < 4000; ++n) {
    // The logarithm of the power walks at random, in steps of a size of its own.
    spectrum s = bumps({});
    const double step = std::exp(2 * stream.normal() - 2);
    double log_power = 0;
    for (double& power : s.power) {
      log_power += step * stream.normal();
      power = std::exp(log_power);
    }
    const spectral_peak peak = find_peak(s);
    const peak_doubt doubt = doubt_of_peak(s);
    doubts += doubt.fault == peak_fault::subharmonic ? 1 : 0;
    if (doubt.fault == peak_fault::subharmonic) {
      EXPECT_GT(doubt.other_hz, peak.frequency);
    } else if (doubt.fault == peak_fault::elsewhere && !std::isnan(peak.frequency)) {
      EXPECT_GT(find_peak(s, {0, 500}).power, peak.power);
    }
  }
  EXPECT_GT(doubts, 40) << "or nothing was tested";
}

TEST(peak, lies_within_its_band_whatever_the_spectrum) {
  random_stream stream(12, purpose::test);
  int found = 0;
  for (int n = 0; n < 2000; ++n) {
    spectrum s = bumps({});
    double log_power = 0;
    for (double& power : s.power) {
      log_power += 0.2 * stream.normal();
      power = std::exp(log_power);
    }
    const double lowest = 400 * stream.uniform();
    const frequency_band band{lowest, lowest + 5 + 60 * stream.uniform()};
    const spectral_peak peak = find_peak(s, band);
    const peak_doubt doubt = doubt_of_peak(s, band);
    if (!std::isnan(peak.frequency)) {
      ++found;
      EXPECT_TRUE(band.contains(peak.frequency)) << peak.frequency;
      EXPECT_FALSE(peak.ratio < 1);
    }
    if (doubt.fault == peak_fault::elsewhere) {
      EXPECT_FALSE(band.contains(doubt.other_hz)) << doubt.other_hz;
    }
  }
  EXPECT_GT(found, 500);
}

TEST(peak, on_the_flank_of_a_higher_one_is_its_own) {
  const spectrum s = bumps({{40, 20, 6}, {24, 8, 2}});
  const spectral_peak peak = find_peak(s, {5, 30});
  EXPECT_NEAR(peak.frequency, 24, 2.5) << "the flank draws it a little";
  EXPECT_TRUE(std::isnan(peak.width)) << "it rises to the higher one before it comes down to half";
  EXPECT_EQ(doubt_of_peak(s, {5, 30}).fault, peak_fault::elsewhere);
}

TEST(peak, is_none_of_the_rounding_of_a_flat_spectrum) {
  spectrum s = bumps({}, 1);
  for (std::size_t i = 0; i < s.power.size(); ++i) {
    s.power[i] += i % 7 == 3 ? 1e-15 : 0;
  }
  EXPECT_TRUE(std::isnan(find_peak(s).frequency));
  EXPECT_FALSE(doubt_of_peak(s));
}

TEST(spectrum, has_frequencies_that_decimals_name) {
  const std::vector<double> f = spectrum_frequencies(1e-3, 700);  // Of 700 * 0.001 = 0.7000000000000001 s.
  ASSERT_EQ(f.size(), 351U);
  EXPECT_EQ(f[14], 20);
  EXPECT_EQ(spectrum_frequencies(7e-3, 36)[1], 1 / 0.252);
  EXPECT_TRUE(spectrum_frequencies(1e-3, 1).empty());
  // 20 Hz belongs to the band that begins there.
  spectrum s = welch(std::vector<std::vector<double>>{noise(7000, 1)}, 1e-3, 700);
  std::ranges::fill(s.power, 0.0);
  s.power[14] = 1;
  EXPECT_EQ(band_power(s, {5, 20}), 0);
  EXPECT_GT(band_power(s, {20, 60}), 0);
}

TEST(spectrum, has_no_power_in_a_band_that_it_does_not_reach) {
  const spectrum s = bumps({}, 2);
  EXPECT_DOUBLE_EQ(band_power(s, {20, 60}), 80);
  EXPECT_DOUBLE_EQ(band_power(s, {5, 20}) + band_power(s, {20, 60}), band_power(s, {5, 60})) << "no frequency twice";
  EXPECT_TRUE(std::isnan(band_power(s, {400, 600})));
}

}  // namespace
}  // namespace spikesweep
