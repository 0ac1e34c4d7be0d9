#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <mutex>
#include <numbers>
#include <numeric>

#include <fftw3.h>

#include <spikesweep/network/statistics.hpp>

namespace spikesweep {

namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
/// Standard deviation of the Gaussian that smooths a spectrum before its peak is sought [Hz].
constexpr double smoothing_hz = 2;
/// The peak's band is where the smoothed power stays above this share of the maximum.
constexpr double peak_band = 0.75;

struct fftw_deleter {
  void operator()(void* memory) const { fftw_free(memory); }
};

/// FFTW makes and destroys plans for one thread at a time only.
std::mutex& planner() {
  static std::mutex mutex;
  return mutex;
}

struct plan_deleter {
  void operator()(fftw_plan plan) const {
    const std::scoped_lock lock(planner());
    fftw_destroy_plan(plan);
  }
};

using plan_holder = std::unique_ptr<fftw_plan_s, plan_deleter>;

plan_holder plan_transform(int n, double* in, fftw_complex* out) {
  const std::scoped_lock lock(planner());
  return plan_holder(fftw_plan_dft_r2c_1d(n, in, out, FFTW_ESTIMATE));
}

double step_of(const spectrum& s) {
  return s.frequency.size() > 1 ? s.frequency[1] - s.frequency[0] : 0;
}

std::vector<double> smooth(const spectrum& s) {
  const double df = step_of(s);
  const auto n = static_cast<std::int64_t>(s.power.size());
  const auto reach = static_cast<std::int64_t>(std::ceil(3 * smoothing_hz / df));
  std::vector<double> out(s.power.size());
  // The zero-frequency bin holds nothing (means are removed) and is left out.
  for (std::int64_t i = 1; i < n; ++i) {
    double sum = 0;
    double weights = 0;
    for (std::int64_t j = std::max<std::int64_t>(1, i - reach); j <= std::min(n - 1, i + reach); ++j) {
      const double z = static_cast<double>(j - i) * df / smoothing_hz;
      const double w = std::exp(-0.5 * z * z);
      sum += w * s.power[static_cast<std::size_t>(j)];
      weights += w;
    }
    out[static_cast<std::size_t>(i)] = sum / weights;
  }
  return out;
}

}  // namespace

std::vector<double> bin_times(std::span<const double> times, double begin, double width, std::int64_t bins) {
  std::vector<double> counts(static_cast<std::size_t>(bins), 0.0);
  for (const double t : times) {
    const double place = (t - begin) / width;
    if (place >= 0 && place < static_cast<double>(bins)) {
      counts[static_cast<std::size_t>(place)] += 1;
    }
  }
  return counts;
}

double mean(std::span<const double> values) {
  return values.empty() ? nan : std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double squares_about(std::span<const double> values, double centre) {
  double sum = 0;
  for (const double x : values) {
    sum += (x - centre) * (x - centre);
  }
  return sum;
}

namespace {

double variance(std::span<const double> values) {
  return values.size() < 2 ? nan : squares_about(values, mean(values)) / static_cast<double>(values.size() - 1);
}

}  // namespace

double standard_deviation(std::span<const double> values) {
  const auto n = static_cast<double>(values.size());
  // Predictions have always summed shares of the mean. Rounding differs from that of mean(), and files keep every bit.
  double centre = 0;
  for (const double x : values) {
    centre += x / n;
  }
  return n > 1 ? std::sqrt(squares_about(values, centre) / (n - 1)) : nan;
}

double fano_factor(std::span<const double> counts) {
  const double m = mean(counts);
  return m > 0 ? variance(counts) / m : nan;
}

double coefficient_of_variation(std::span<const double> values) {
  const double m = mean(values);
  return values.size() > 1 && m != 0 ? std::sqrt(variance(values)) / m : nan;
}

double ks_distance(std::vector<double> a, std::vector<double> b) {
  if (a.empty() || b.empty()) {
    return nan;
  }
  std::sort(a.begin(), a.end());
  std::sort(b.begin(), b.end());
  double distance = 0;
  for (std::size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    const double x = std::min(a[i], b[j]);
    while (i < a.size() && a[i] <= x) {
      ++i;
    }
    while (j < b.size() && b[j] <= x) {
      ++j;
    }
    distance = std::max(distance, std::abs(static_cast<double>(i) / static_cast<double>(a.size()) -
                                           static_cast<double>(j) / static_cast<double>(b.size())));
  }
  return distance;
}

spectrum welch(std::span<const std::vector<double>> series, double step, std::int64_t segment) {
  spectrum out;
  if (segment < 2) {
    return out;
  }
  const auto n = static_cast<std::size_t>(segment);
  const std::size_t half = n / 2 + 1;
  std::vector<double> window(n);
  double window_power = 0;
  for (std::size_t i = 0; i < n; ++i) {
    window[i] = 0.5 - 0.5 * std::cos(2 * std::numbers::pi * static_cast<double>(i) / static_cast<double>(n));
    window_power += window[i] * window[i];
  }
  const std::unique_ptr<double[], fftw_deleter> in(fftw_alloc_real(n));
  const std::unique_ptr<fftw_complex[], fftw_deleter> transformed(fftw_alloc_complex(half));
  const plan_holder plan = plan_transform(static_cast<int>(n), in.get(), transformed.get());
  std::vector<double> sum(half, 0.0);
  std::int64_t segments = 0;
  for (const auto& values : series) {
    for (std::size_t begin = 0; begin + n <= values.size(); begin += std::max<std::size_t>(1, n / 2)) {
      const double m = mean(std::span(values).subspan(begin, n));
      for (std::size_t i = 0; i < n; ++i) {
        in[i] = window[i] * (values[begin + i] - m);
      }
      fftw_execute(plan.get());
      for (std::size_t i = 0; i < half; ++i) {
        sum[i] += transformed[i][0] * transformed[i][0] + transformed[i][1] * transformed[i][1];
      }
      ++segments;
    }
  }
  if (segments == 0) {
    return out;
  }
  for (std::size_t i = 0; i < half; ++i) {
    const bool unpaired = i == 0 || (n % 2 == 0 && i == half - 1);
    out.frequency.push_back(static_cast<double>(i) / (static_cast<double>(n) * step));
    out.power.push_back((unpaired ? 1 : 2) * sum[i] * step / (window_power * static_cast<double>(segments)));
  }
  return out;
}

double peak_frequency(const spectrum& s, double lowest, double highest) {
  if (s.frequency.size() < 3) {
    return nan;
  }
  const std::vector<double> power = smooth(s);
  std::size_t best = 0;
  for (std::size_t i = 1; i < power.size(); ++i) {
    if (s.frequency[i] >= lowest && s.frequency[i] <= highest && (best == 0 || power[i] > power[best])) {
      best = i;
    }
  }
  if (best == 0 || power[best] <= 0) {
    return nan;
  }
  std::size_t first = best;
  std::size_t last = best;
  while (first > 1 && power[first - 1] >= peak_band * power[best]) {
    --first;
  }
  while (last + 1 < power.size() && power[last + 1] >= peak_band * power[best]) {
    ++last;
  }
  double weights = 0;
  double sum = 0;
  for (std::size_t i = first; i <= last; ++i) {
    // Only what stands above the band's floor counts, so that the edges do not pull.
    const double w = power[i] - peak_band * power[best];
    weights += w;
    sum += w * s.frequency[i];
  }
  return weights > 0 ? sum / weights : s.frequency[best];
}

double spectrum_distance(const spectrum& a, const spectrum& b, double highest) {
  if (a.frequency.size() < 3 || a.frequency != b.frequency) {
    return nan;
  }
  const std::vector<double> x = smooth(a);
  const std::vector<double> y = smooth(b);
  double difference = 0;
  double scale = 0;
  for (std::size_t i = 1; i < x.size() && a.frequency[i] <= highest; ++i) {
    difference += std::abs(x[i] - y[i]);
    scale += y[i];
  }
  return scale > 0 ? difference / scale : nan;
}

double spike_synchrony_index(std::span<const spike_record> spikes, int neurons, double window) {
  if (spikes.empty()) {
    return nan;
  }
  std::vector<int> fired(static_cast<std::size_t>(neurons), 0);
  std::int64_t distinct = 0;
  double sum = 0;
  std::size_t first = 0;
  std::size_t last = 0;
  for (const auto& centre : spikes) {
    while (last < spikes.size() && spikes[last].time <= centre.time + window / 2) {
      distinct += fired[static_cast<std::size_t>(spikes[last++].neuron)]++ == 0;
    }
    while (spikes[first].time < centre.time - window / 2) {
      distinct -= --fired[static_cast<std::size_t>(spikes[first++].neuron)] == 0;
    }
    sum += static_cast<double>(distinct) / neurons;
  }
  return sum / static_cast<double>(spikes.size());
}

}  // namespace spikesweep
