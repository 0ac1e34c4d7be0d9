// What is read off spectra: peaks, powers, distances.
#include <algorithm>
#include <cmath>
#include <optional>

#include <fmt/format.h>

#include <spikesweep/base/portable_math.hpp>
#include <spikesweep/network/spectrum.hpp>
#include <spikesweep/network/statistics.hpp>

namespace spikesweep {

namespace {

constexpr double unknown = std::numeric_limits<double>::quiet_NaN();
/// Standard deviation of the Gaussian that smooths a spectrum before its peak is sought [Hz].
constexpr double smoothing_hz = 2;
/// The centre of a peak counts what stays above this share of the maximum.
constexpr double centre_share = 0.75;
/// A peak outside the band counts as higher if its power is so many times that of the peak in the band. Short runs of
/// asynchronous networks have peaks by chance, of nearly the same power, everywhere.
constexpr double elsewhere_excess = 1.5;
/// Powers closer than this share are the same: a flat spectrum has no maxima.
constexpr double same_power = 1e-9;
/// A harmonic is sought this close to twice the frequency, as a share of that.
constexpr double harmonic_reach = 0.1;
// The second harmonic stands out if its power is at least `subharmonic_share` of the peak's, and `..._excess` times the
// geometric mean of the first and the third, which harmonics that fall off evenly have. Regular Gaussian volleys with
// such a share come to at most 1.6 times: their harmonics fall off as exp(-s k^2). An irregular rhythm blurs its
// harmonics, the higher the more, and fills the valley between the first two. There the second one falls below the
// mean.
//
// Measured on cai2021_reg, with tau_EI from 3 to 7 ms in steps of 0.25 ms, runs of 10 s and up to 3 seeds:
//
// | tau_EI [ms] | peak [Hz] | share        | excess       | valley       |
// |-------------|-----------|--------------|--------------|--------------|
// | 3 to 3.5    | 72 to 68  | 0.30 to 0.40 | 1.05 to 1.11 | 0.01         |
// | 4 to 4.5    | 66 to 63  | 0.13 to 0.22 | 0.81 to 1.01 | 0.03 to 0.08 |
// | 5.5         | 57 to 59  | 0.09 to 0.12 | 0.49 to 0.66 | 0.24 to 0.25 |
// | 5.75        | 30 to 31  | 0.57 to 0.65 | 1.59 to 1.83 | 0.43 to 0.44 |
// | 6           | 30        | 0.35 to 0.42 | 1.07 to 1.34 | 0.28 to 0.35 |
// | 6.25        | 28        | 0.29 to 0.34 | 0.97 to 1.05 | 0.18 to 0.22 |
// | 6.5 to 7    | 28 to 25  | 0.29 to 0.41 | 1.01 to 1.09 | 0.03 to 0.12 |
//
// At 5.75 and 6 ms the subharmonic has taken over, and the weaker volleys between the strong ones are still there. From
// 6.5 ms on they are gone, so the slow rhythm is the rhythm. The nearest of the other presets are cai2021_small_syn
// (0.31, 0.99, 0.20) and cai2021_small_reg (0.25, 0.92, 0.25). In a nearly asynchronous network the second and the
// third are both background: (0.54, 1.02, 0.31) at the test point of the quickstart with the lowest rate, where the
// second has 1.9 times the power of the third. At 5.75 and 6 ms it has 3.3 to 5.3 times.
constexpr double subharmonic_share = 0.25;
constexpr double over_the_third = 2.75;
constexpr double regular_excess = 2;
constexpr double irregular_excess = 1;
/// A rhythm is irregular if the lowest power between its first two harmonics is at least this share of their geometric
/// mean.
constexpr double filled_valley = 0.25;

double step_of(const spectrum& s) {
  return s.frequency.size() > 1 ? s.frequency[1] - s.frequency[0] : 0;
}

std::vector<double> smooth(const spectrum& s) {
  const double df = step_of(s);
  const auto n = static_cast<std::int64_t>(s.power.size());
  const auto reach = static_cast<std::int64_t>(std::ceil(3 * smoothing_hz / df));
  std::vector<double> weight;  // By the distance in bins.
  for (std::int64_t k = 0; k <= reach; ++k) {
    const double z = static_cast<double>(k) * df / smoothing_hz;
    weight.push_back(portable_exp(-0.5 * z * z));
  }
  std::vector<double> out(s.power.size());
  // The zero-frequency bin holds nothing (means are removed) and is left out.
  for (std::int64_t i = 1; i < n; ++i) {
    double sum = 0;
    double weights = 0;
    for (std::int64_t j = std::max<std::int64_t>(1, i - reach); j <= std::min(n - 1, i + reach); ++j) {
      const double w = weight[static_cast<std::size_t>(std::abs(j - i))];
      sum += w * s.power[static_cast<std::size_t>(j)];
      weights += w;
    }
    out[static_cast<std::size_t>(i)] = sum / weights;
  }
  return out;
}

/// A smoothed spectrum. Its maxima are places in it.
class peak_finder {
 public:
  explicit peak_finder(const spectrum& s) : s_(s), power_(s.frequency.size() < 3 ? std::vector<double>() : smooth(s)) {}

  double frequency(std::size_t i) const { return s_.frequency[i]; }
  double power(std::size_t i) const { return power_[i]; }

  /// The highest maximum of those that are wanted; nothing if there is none.
  template <class Wanted>
  std::optional<std::size_t> highest(const Wanted& wanted) const {
    std::optional<std::size_t> best;
    for (std::size_t i = 2; i + 1 < power_.size(); ++i) {
      const bool maximum = power_[i] > (1 + same_power) * power_[i - 1] && power_[i] >= power_[i + 1];
      if (maximum && wanted(s_.frequency[i]) && (!best || power_[i] > power_[*best])) {
        best = i;
      }
    }
    return best;
  }

  /// The largest power at the frequencies that are wanted, be it a maximum or not; 0 if there are none.
  template <class Wanted>
  double largest(const Wanted& wanted) const {
    double most = 0;
    for (std::size_t i = 1; i < power_.size(); ++i) {
      most = wanted(s_.frequency[i]) ? std::max(most, power_[i]) : most;
    }
    return most;
  }

  /// The lowest power between two places, `from` before `to`.
  double lowest(std::size_t from, std::size_t to) const {
    return *std::min_element(power_.begin() + static_cast<std::ptrdiff_t>(from),
                             power_.begin() + static_cast<std::ptrdiff_t>(to) + 1);
  }

  /// The power-weighted centre of a peak, of what belongs to it: at frequencies that are wanted, and not on the flank
  /// of a higher one [Hz].
  template <class Wanted>
  double centre(std::size_t peak, const Wanted& wanted) const {
    const double floor = centre_share * power_[peak];
    const auto belongs = [&](std::size_t i) {
      return power_[i] >= floor && power_[i] <= power_[peak] && wanted(s_.frequency[i]);
    };
    std::size_t first = peak;
    std::size_t last = peak;
    while (first > 1 && belongs(first - 1)) {
      --first;
    }
    while (last + 1 < power_.size() && belongs(last + 1)) {
      ++last;
    }
    double weights = 0;
    double sum = 0;
    for (std::size_t i = first; i <= last; ++i) {
      // Only what stands above the floor counts, so that the edges do not pull.
      const double w = power_[i] - floor;
      weights += w;
      sum += w * s_.frequency[i];
    }
    return weights > 0 ? sum / weights : s_.frequency[peak];
  }

  /// Where the power on one side of a peak has gone down to one half; NaN if it does not, or rises above the peak
  /// before [Hz].
  double half(std::size_t peak, int direction) const {
    const double level = power_[peak] / 2;
    const auto last = static_cast<std::int64_t>(power_.size()) - 1;
    for (auto i = static_cast<std::int64_t>(peak) + direction; i >= 1 && i <= last; i += direction) {
      const auto here = static_cast<std::size_t>(i);
      const auto before = static_cast<std::size_t>(i - direction);
      if (power_[here] > power_[peak]) {
        return unknown;
      }
      if (power_[here] <= level) {
        const double share = (power_[before] - level) / (power_[before] - power_[here]);
        return s_.frequency[before] + share * (s_.frequency[here] - s_.frequency[before]);
      }
    }
    return unknown;
  }

 private:
  const spectrum& s_;
  std::vector<double> power_;
};

}  // namespace

spectral_peak find_peak(const spectrum& s, const frequency_band& band) {
  const peak_finder finder(s);
  const auto inside = [&](double f) { return band.contains(f); };
  const auto peak = finder.highest(inside);
  spectral_peak out;
  if (!peak) {
    return out;
  }
  out.frequency = finder.centre(*peak, inside);
  out.power = finder.power(*peak);
  const double low = finder.half(*peak, -1);
  const double high = finder.half(*peak, 1);
  out.width = high - low;
  // Beyond the half that does not come there is no second peak.
  const auto second = finder.highest([&](double f) { return inside(f) && (f < low || f > high); });
  if (second) {
    out.ratio = out.power / finder.power(*second);
  }
  return out;
}

peak_doubt doubt_of_peak(const spectrum& s, const frequency_band& band) {
  const peak_finder finder(s);
  const auto within = [&](double f) { return band.contains(f); };
  const auto beyond = [&](double f) { return !band.contains(f); };
  const auto peak = finder.highest(within);
  const auto outside = finder.highest(beyond);
  if (outside && (!peak || finder.power(*outside) > elsewhere_excess * finder.power(*peak))) {
    return {peak_fault::elsewhere, finder.centre(*outside, beyond)};
  }
  if (!peak) {
    return {};
  }
  const double once = finder.centre(*peak, within);
  const auto near = [once](double times) {
    return [middle = times * once](double f) { return std::abs(f - middle) <= harmonic_reach * middle; };
  };
  // The centre of a broad, uneven peak may lie so far below its maximum that even twice the centre does.
  const auto harmonic =
      finder.highest([&, twice = near(2)](double f) { return twice(f) && f > finder.frequency(*peak); });
  if (!harmonic) {
    return {};
  }
  const double first = finder.power(*peak);
  const double second = finder.power(*harmonic);
  const double third = finder.largest(near(3));
  const double valley = finder.lowest(*peak, *harmonic);
  if (valley >= centre_share * std::min(first, second)) {
    return {};  // Both are one broad peak.
  }
  const bool irregular = valley >= filled_valley * std::sqrt(first * second);
  const double excess = irregular ? irregular_excess : regular_excess;
  if (second >= subharmonic_share * first && second >= excess * std::sqrt(first * third) &&
      second >= over_the_third * third) {
    return {peak_fault::subharmonic, finder.centre(*harmonic, [&](double f) { return f > finder.frequency(*peak); })};
  }
  return {};
}

std::string words_of(const peak_doubt& doubt, double peak_hz, const frequency_band& band) {
  const std::string within = fmt::format("{:g} to {:g} Hz", band.lowest, band.highest);
  switch (doubt.fault) {
    case peak_fault::none:
      return "";
    case peak_fault::elsewhere:
      return fmt::format("the highest peak of the spectrum is at {:.4g} Hz, outside {}, where the peak is sought{}",
                         doubt.other_hz, within, std::isnan(peak_hz) ? "; within it there is none" : "");
    case peak_fault::subharmonic:
      return fmt::format(
          "the peak at {:.4g} Hz may be a subharmonic: there is a strong peak at {:.4g} Hz, near twice the frequency; "
          "every second volley may be weaker",
          peak_hz, doubt.other_hz);
  }
  return "";
}

std::string_view name_of(peak_fault fault) {
  switch (fault) {
    case peak_fault::none:
      return "";
    case peak_fault::elsewhere:
      return "elsewhere";
    case peak_fault::subharmonic:
      return "subharmonic";
  }
  return "";
}

bool is_peak_fault(peak_fault fault) {
  return fault <= peak_fault::subharmonic;
}

namespace {

bool covers(const spectrum& s, const frequency_band& band) {
  return s.frequency.size() >= 3 && s.frequency.back() >= band.highest - rounding_hz;
}

}  // namespace

double band_power(const spectrum& s, const frequency_band& band) {
  if (!covers(s, band)) {
    return unknown;
  }
  double sum = 0;
  std::size_t used = 0;
  // The lower end belongs to a band and the upper one does not, so that neighbours share no frequency. The mean, at 0
  // Hz, was removed.
  for (std::size_t i = 1; i < s.power.size() && s.frequency[i] < band.highest - rounding_hz; ++i) {
    if (band.contains(s.frequency[i])) {
      sum += s.power[i];
      ++used;
    }
  }
  return used > 0 ? sum * step_of(s) : unknown;
}

double spectrum_distance(const spectrum& a, const spectrum& b, double highest) {
  if (a.frequency.size() < 3 || a.frequency != b.frequency) {
    return unknown;
  }
  const std::vector<double> x = smooth(a);
  const std::vector<double> y = smooth(b);
  double difference = 0;
  double scale = 0;
  for (std::size_t i = 1; i < x.size() && a.frequency[i] <= highest; ++i) {
    difference += std::abs(x[i] - y[i]);
    scale += y[i];
  }
  return scale > 0 ? difference / scale : unknown;
}

double log_spectrum_distance(const spectrum& a, const spectrum& b, const frequency_band& band) {
  if (!covers(a, band) || a.frequency != b.frequency) {
    return unknown;
  }
  const std::vector<double> x = smooth(a);
  const std::vector<double> y = smooth(b);
  double squares = 0;
  std::size_t used = 0;
  for (std::size_t i = 1; i < x.size(); ++i) {
    if (!band.contains(a.frequency[i])) {
      continue;
    }
    if (!(x[i] > 0 && y[i] > 0)) {
      return unknown;
    }
    const double difference = decibels_of(x[i] / y[i]);
    squares += difference * difference;
    ++used;
  }
  return used > 0 ? std::sqrt(squares / static_cast<double>(used)) : unknown;
}

}  // namespace spikesweep
