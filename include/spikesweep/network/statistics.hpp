#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <spikesweep/network/phases.hpp>

namespace spikesweep {

/// Counts events in consecutive bins of `width` [s] from `begin` [s]; events outside the `bins` bins are left out.
std::vector<double> bin_times(std::span<const double> times, double begin, double width, std::int64_t bins);

/// Variance of counts over their mean; NaN when the mean is zero.
double fano_factor(std::span<const double> counts);

/// NaN without values.
double mean(std::span<const double> values);
/// Sum of the squared distances of values from a centre.
double squares_about(std::span<const double> values, double centre);
/// Of a sample, with n - 1 degrees of freedom; NaN with fewer than two values.
double standard_deviation(std::span<const double> values);
/// Standard deviation over mean; NaN with fewer than two values or a zero mean.
double coefficient_of_variation(std::span<const double> values);
/// Number, sum and sum of squares of values, as distances from a centre. Those of parts add up to those of the whole.
/// The centre is best near the mean: then little is lost to rounding.
struct moments {
  double centre = 0;
  double count = 0;
  double sum = 0;      ///< Of the distances.
  double squares = 0;  ///< Of the distances.

  void add(double value) {
    const double distance = value - centre;
    count += 1;
    sum += distance;
    squares += distance * distance;
  }
  /// Both need the same centre.
  moments& operator+=(const moments& other);
  moments& operator-=(const moments& other);

  double mean() const;                      ///< NaN without values.
  double variance() const;                  ///< With n - 1 degrees of freedom; NaN with fewer than two values.
  double fano_factor() const;               ///< NaN when the mean is zero.
  double coefficient_of_variation() const;  ///< NaN with fewer than two values or a zero mean.
};

/// Standard error of a value by leaving out one batch after another (delete-one jackknife: Efron and Tibshirani, An
/// Introduction to the Bootstrap, 1993, chapter 11); of a mean over equal batches it is that of batch means. NaN with
/// fewer than two values, or if one is undefined. `values`: without each batch.
double jackknife_error(std::span<const double> values);

/// Ten times the decimal logarithm of a positive ratio [dB]. The same bits on every machine.
double decibels_of(double ratio);

/// Two-sample Kolmogorov-Smirnov distance, in [0, 1]; NaN if a sample is empty.
double ks_distance(std::vector<double> a, std::vector<double> b);

/// Of every spike, the share of all `neurons` that fire within `window` [s] centred on it. `spikes` in order of time.
std::vector<double> shares_of_neurons(std::span<const spike_record> spikes, int neurons, double window = 5e-3);

/// Spike synchrony index: the mean of these shares over the spikes. Chariker & Young 2015, J. Comput. Neurosci. 38:203.
/// NaN without spikes.
double spike_synchrony_index(std::span<const spike_record> spikes, int neurons, double window = 5e-3);

}  // namespace spikesweep
