#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace spikesweep {

/// Frequencies closer than this are the same [Hz].
inline constexpr double rounding_hz = 1e-6;

/// A range of frequencies, both ends included [Hz].
struct frequency_band {
  double lowest = 0;
  double highest = 0;

  bool contains(double frequency) const {
    return frequency >= lowest - rounding_hz && frequency <= highest + rounding_hz;
  }
  bool operator==(const frequency_band&) const = default;
};

/// Where the spectral peak is sought, unless somebody says otherwise: gamma rhythms, without slow waves of the rate.
inline constexpr frequency_band usual_peak_band{20, 120};
/// A band of a peak is at least as wide as this [Hz]: smoothing makes every peak about as wide.
inline constexpr double narrowest_peak_band_hz = 5;
/// The frequencies over which the logarithms of two spectra are compared.
inline constexpr frequency_band compared_band{5, 150};

/// One-sided power spectral density.
struct spectrum {
  std::vector<double> frequency;  ///< [Hz]
  std::vector<double> power;      ///< [unit of the series squared / Hz]
};

/// The frequencies of the spectrum of a segment of so many values, one every `step` [s]; none if it is shorter than
/// two.
std::vector<double> spectrum_frequencies(double step, std::int64_t segment);

/// Welch segment of the spectra of rates, unless somebody says otherwise [s].
inline constexpr double usual_segment_s = 1;

/// Transforms segments of a series for Welch's method: Hann windows of `segment` values with half overlap, each
/// segment's mean removed. Welch 1967, IEEE Trans. Audio Electroacoust. 15:70.
class segment_transform {
 public:
  /// A series is sampled every `step` [s]. A segment of fewer than two values has no spectrum.
  segment_transform(double step, std::int64_t segment);
  ~segment_transform();
  segment_transform(const segment_transform&) = delete;
  segment_transform& operator=(const segment_transform&) = delete;

  /// Calls `take` for each segment of a series, with the number of its first value and the squares of its transform. A
  /// series shorter than a segment has none.
  void each(std::span<const double> series,
            const std::function<void(std::size_t begin, std::span<const double> squares)>& take);
  /// The spectrum of the summed squares of so many segments; empty if there are none.
  spectrum scaled(std::span<const double> squares, std::int64_t segments) const;
  /// How many frequencies the spectrum has.
  std::size_t frequencies() const { return frequencies_; }

 private:
  struct buffers;

  double step_;
  std::size_t length_;
  std::size_t frequencies_ = 0;
  double window_power_ = 0;
  std::vector<double> window_;
  std::vector<double> squares_;
  std::unique_ptr<buffers> buffers_;
};

/// Welch's estimate over the segments of all `series` (each sampled every `step` [s]). Series shorter than a segment
/// are left out; with none left the spectrum is empty.
spectrum welch(std::span<const std::vector<double>> series, double step, std::int64_t segment);

/// A peak of a spectrum. What cannot be told is NaN.
struct spectral_peak {
  double frequency = std::numeric_limits<double>::quiet_NaN();  ///< [Hz]
  double power = std::numeric_limits<double>::quiet_NaN();      ///< Of the smoothed spectrum [unit of the spectrum].
  double width = std::numeric_limits<double>::quiet_NaN();      ///< At half of this power [Hz].
  double ratio = std::numeric_limits<double>::quiet_NaN();      ///< Of its power to that of the second highest peak.
};

/// The highest peak within a band. A peak is a maximum of the smoothed spectrum, lower on both sides; so the slope of a
/// peak outside the band is none. Its frequency is the power-weighted centre of the contiguous range around the
/// maximum, within the band, in which the smoothed spectrum stays between 3/4 of the maximum and the maximum. It has no
/// width if the spectrum rises above the maximum before it comes down to half. The second peak is the highest one in
/// the band outside the range of half power of the first.
spectral_peak find_peak(const spectrum& s, const frequency_band& band = usual_peak_band);

/// Why the highest peak within a band may not be the rhythm that somebody looks for.
enum class peak_fault : std::uint8_t {
  none = 0,        ///< Nothing speaks against it.
  elsewhere = 1,   ///< A clearly higher peak lies outside the band.
  subharmonic = 2  ///< Its second harmonic stands out: every second volley may be weaker, and the rhythm twice as fast.
};

/// Whether this is one of them: numbers in files may be damaged.
bool is_peak_fault(peak_fault fault);

/// Doubt about a peak. `other_hz`: the higher peak, or the harmonic [Hz]; NaN without doubt.
struct peak_doubt {
  peak_fault fault = peak_fault::none;
  double other_hz = std::numeric_limits<double>::quiet_NaN();

  explicit operator bool() const { return fault != peak_fault::none; }
};

/// What speaks against the highest peak within a band. Its second harmonic stands out if it is a peak of its own,
/// strong, and stronger than harmonics that fall off evenly from the first to the third, as those of narrow volleys do.
/// Harmonics of an irregular rhythm have to fall off faster. src/network/peak.cpp has the thresholds, and what was
/// measured.
peak_doubt doubt_of_peak(const spectrum& s, const frequency_band& band = usual_peak_band);

/// The doubt as a sentence that names the frequencies and says what to do; empty without doubt. `peak_hz`: the peak
/// within the band; NaN if it has none.
std::string words_of(const peak_doubt& doubt, double peak_hz, const frequency_band& band);
/// A word for files and columns: "", "elsewhere" or "subharmonic".
std::string_view name_of(peak_fault fault);

/// Power within a band: the integral over it [unit of the series squared]. NaN if the spectrum does not cover the band.
double band_power(const spectrum& s, const frequency_band& band);

/// Relative distance of two spectra on the same grid up to `highest` [Hz], smoothed: integral of |a - b| over integral
/// of b; NaN if they cannot be compared.
double spectrum_distance(const spectrum& a, const spectrum& b, double highest = 150);

/// Root mean square of the difference of the logarithms of two smoothed spectra on the same grid, over a band [dB]; NaN
/// if they cannot be compared, or do not cover the band.
double log_spectrum_distance(const spectrum& a, const spectrum& b, const frequency_band& band = compared_band);

}  // namespace spikesweep
