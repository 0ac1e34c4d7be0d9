#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include <spikesweep/base/portable_math.hpp>
#include <spikesweep/network/statistics.hpp>

namespace spikesweep {

namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

}  // namespace

double decibels_of(double ratio) {
  constexpr double per_nat = 4.34294481903251827651;  // 10 / log(10)
  // Others are not what portable_log() takes.
  return std::isnormal(ratio) ? per_nat * portable_log(ratio) : 10 * std::log10(ratio);
}

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

moments& moments::operator+=(const moments& other) {
  count += other.count;
  sum += other.sum;
  squares += other.squares;
  return *this;
}

moments& moments::operator-=(const moments& other) {
  count -= other.count;
  sum -= other.sum;
  squares -= other.squares;
  return *this;
}

double moments::mean() const {
  return count > 0 ? centre + sum / count : nan;
}

double moments::variance() const {
  // Rounding could leave less than nothing of values that are all alike.
  return count > 1 ? std::max(0.0, (squares - sum * sum / count) / (count - 1)) : nan;
}

double moments::fano_factor() const {
  return mean() > 0 ? variance() / mean() : nan;
}

double moments::coefficient_of_variation() const {
  return count > 1 && mean() != 0 ? std::sqrt(variance()) / mean() : nan;
}

double jackknife_error(std::span<const double> values) {
  const auto n = static_cast<double>(values.size());
  if (n < 2) {
    return nan;
  }
  return std::sqrt((n - 1) / n * squares_about(values, mean(values)));
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

std::vector<double> shares_of_neurons(std::span<const spike_record> spikes, int neurons, double window) {
  std::vector<double> shares;
  shares.reserve(spikes.size());
  std::vector<int> fired(static_cast<std::size_t>(neurons), 0);
  std::int64_t distinct = 0;
  std::size_t first = 0;
  std::size_t last = 0;
  for (const auto& centre : spikes) {
    while (last < spikes.size() && spikes[last].time <= centre.time + window / 2) {
      distinct += fired[static_cast<std::size_t>(spikes[last++].neuron)]++ == 0;
    }
    while (spikes[first].time < centre.time - window / 2) {
      distinct -= --fired[static_cast<std::size_t>(spikes[first++].neuron)] == 0;
    }
    shares.push_back(static_cast<double>(distinct) / neurons);
  }
  return shares;
}

double spike_synchrony_index(std::span<const spike_record> spikes, int neurons, double window) {
  return mean(shares_of_neurons(spikes, neurons, window));
}

}  // namespace spikesweep
