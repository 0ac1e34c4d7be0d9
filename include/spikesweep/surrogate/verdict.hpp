#pragma once

#include <cstdint>
#include <limits>
#include <vector>

namespace spikesweep {

/// How a rate of a run compares with the rate of the exact network. The best verdict comes first.
enum class verdict : std::uint8_t {
  indistinguishable = 0,  ///< A test on runs of this length does not tell the two apart.
  within_tolerance = 1,   ///< It tells them apart; the whole runs differ by at most verdict_tolerance.
  worse = 2,
  undefined = 3  ///< There is no exact rate to compare with.
};
inline constexpr int verdict_count = 4;
constexpr const char* name_of(verdict v) {
  return v == verdict::indistinguishable  ? "indistinguishable"
         : v == verdict::within_tolerance ? "within_2_percent"
         : v == verdict::worse            ? "worse"
                                          : "undefined";
}

/// Relative difference that still counts as `within_tolerance`.
inline constexpr double verdict_tolerance = 0.02;
/// Share of runs of one and the same network that the test tells apart by chance.
inline constexpr double verdict_level = 0.05;

/// A rate measured in equal batches of a run. The scatter of the batches tells the statistical error of the rate (batch
/// means; Law, Simulation Modeling and Analysis, 2015, section 9.5.3). Batches are independent runs, or long pieces.
struct batched_rate {
  std::vector<double> batches;  ///< Rate in each batch [Hz], in the order in which they were run; none: undefined.
  double batch_s = 0;           ///< Length of a batch [s].

  double mean() const;  ///< [Hz]; NaN without batches.
  /// Of the mean over the whole run [Hz]; NaN with fewer than two batches.
  double standard_error() const;
};

/// The number of batches in each of `parts` equal parts of a run. A part lasts `part_s` [s]. A run has at least 8
/// batches. A batch is at most an eighth of `verdict_s` long, but not shorter than half a second for that. Few long
/// batches are best: the ends of a batch cut through the rhythm of a network, and this adds scatter to short batches.
int batches_per_part(int parts, double part_s, double verdict_s);

/// What a comparison of two rates found.
struct rate_comparison {
  double p = std::numeric_limits<double>::quiet_NaN();  ///< Of the test; uniform if both are one network.
  spikesweep::verdict verdict = spikesweep::verdict::undefined;
};

/// Whether somebody who runs both for `verdict_s` seconds can tell `other` from the exact network by this rate.
///
/// The test is Student's on the means over the first `verdict_s` seconds of `exact` and of `other` (rounded to whole
/// batches, and at most all there are), two-sided, at verdict_level. Its null hypothesis is that both are the same
/// network, so the noise of both is the network's, measured on all batches of the two exact runs:
///   D = b sum (r_i - mean)^2 / (2 (n - 1)),   t = (r_other - r_exact) / sqrt(D (1/T_other + 1/T_exact)),
/// with n batches of length b in each exact run, r_i their rates, "mean" that of the own run, T the lengths compared,
/// and 2 (n - 1) degrees of freedom. The own scatter of `other` has no part in it: it would let an unsteady surrogate
/// pass more easily. Longer runs make D surer but the verdict no stricter, as it is about `verdict_s`; among points at
/// which both are the same network, verdict_level are told apart. The tolerance holds for the means of the whole runs.
rate_comparison compare_rates(const batched_rate& exact, const batched_rate& repeat, const batched_rate& other,
                              double verdict_s);

}  // namespace spikesweep
