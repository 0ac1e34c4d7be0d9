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
/// Two-sample Kolmogorov-Smirnov distance, in [0, 1]; NaN if a sample is empty.
double ks_distance(std::vector<double> a, std::vector<double> b);

/// One-sided power spectral density.
struct spectrum {
  std::vector<double> frequency;  ///< [Hz]
  std::vector<double> power;      ///< [unit of the series squared / Hz]
};

/// Welch segment of the spectra of rates, unless somebody says otherwise [s].
inline constexpr double usual_segment_s = 1;

/// Welch's method: Hann windows of `segment` values with half overlap, each segment's mean removed, averaged over
/// segments of all `series` (each sampled every `step` [s]). Welch 1967, IEEE Trans. Audio Electroacoust. 15:70.
/// Series shorter than a segment are left out; with none left the spectrum is empty.
spectrum welch(std::span<const std::vector<double>> series, double step, std::int64_t segment);

/// Frequency of the highest peak between `lowest` and `highest` [Hz]: the power-weighted centre of the contiguous band
/// around the maximum of the smoothed spectrum in which it stays above 3/4 of the maximum. NaN if the spectrum is empty
/// or flat zero.
double peak_frequency(const spectrum& s, double lowest = 8, double highest = 150);

/// Relative distance of two spectra on the same grid up to `highest` [Hz], smoothed: integral of |a - b| over integral
/// of b; NaN if they cannot be compared.
double spectrum_distance(const spectrum& a, const spectrum& b, double highest = 150);

/// Spike synchrony index: the share of all `neurons` that fire within `window` [s] centred on a spike, averaged over
/// the spikes. `spikes` in order of time. Chariker & Young 2015, J. Comput. Neurosci. 38:203. NaN without spikes.
double spike_synchrony_index(std::span<const spike_record> spikes, int neurons, double window = 5e-3);

}  // namespace spikesweep
