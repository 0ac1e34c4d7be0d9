#include "spike_pairs.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

namespace spikesweep {

namespace {

bool belongs(const spike_record& spike, const parameters& p, population q) {
  return (spike.neuron < p.N_E) == (q == population::E);
}

std::size_t place_in(const spike_record& spike, const parameters& p, population q) {
  return static_cast<std::size_t>(q == population::E ? spike.neuron : spike.neuron - p.N_E);
}

}  // namespace

neuron_counts::neuron_counts(std::span<const trajectory> runs, const batch_places& places, const parameters& p,
                             population q, double window_s)
    : neurons_(static_cast<std::size_t>(p.size(q))) {
  constexpr double rounding = 1e-9;
  for (std::size_t r = 0; r < runs.size(); ++r) {
    const int first = static_cast<int>(batch_.size());
    const int windows = static_cast<int>(std::floor(runs[r].duration_s / window_s + rounding));
    for (int w = 0; w < windows; ++w) {
      batch_.push_back(places.at(r, w * window_s));
    }
    std::map<std::size_t, double> here;  // Of one window: spikes are in order of time.
    int window = 0;
    const auto put_down = [&] {
      for (const auto& [neuron, spikes] : here) {
        counts_.push_back({first + window, static_cast<int>(neuron), spikes});
      }
      here.clear();
    };
    for (const spike_record& spike : runs[r].raster) {
      const double at = (spike.time - runs[r].raster_begin_s) / window_s;
      if (!belongs(spike, p, q) || at < 0 || at >= windows) {
        continue;
      }
      if (static_cast<int>(at) != window) {
        put_down();
        window = static_cast<int>(at);
      }
      here[place_in(spike, p, q)] += 1;
    }
    put_down();
  }
}

double neuron_counts::mean_correlation(int left_out) const {
  const auto used = [&](int window) { return batch_[static_cast<std::size_t>(window)] != left_out; };
  const auto windows = static_cast<double>(std::ranges::count_if(batch_, [&](int b) { return b != left_out; }));
  std::vector<double> mean(neurons_, 0.0);
  std::vector<double> deviation(neurons_, 0.0);
  for (const count& c : counts_) {
    if (used(c.window)) {
      mean[static_cast<std::size_t>(c.neuron)] += c.spikes / windows;
      deviation[static_cast<std::size_t>(c.neuron)] += c.spikes * c.spikes / windows;
    }
  }
  // With z = (x - mean) / deviation of each neuron, the mean square over the windows of the sum of all z is the sum of
  // the correlations of all pairs, each twice, and 1 for each neuron.
  double neurons = 0;
  double base = 0;
  for (std::size_t i = 0; i < neurons_; ++i) {
    const double variance = deviation[i] - mean[i] * mean[i];
    constexpr double rounding = 1e-12;
    deviation[i] = variance > rounding * deviation[i] ? std::sqrt(variance) : 0;
    if (deviation[i] > 0) {
      neurons += 1;
      base += mean[i] / deviation[i];
    }
  }
  if (neurons < 2) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  std::vector<double> sums(batch_.size(), -base);
  for (const count& c : counts_) {
    const double sd = deviation[static_cast<std::size_t>(c.neuron)];
    if (sd > 0) {
      sums[static_cast<std::size_t>(c.window)] += c.spikes / sd;
    }
  }
  double squares = 0;
  for (std::size_t w = 0; w < sums.size(); ++w) {
    squares += batch_[w] != left_out ? sums[w] * sums[w] / windows : 0;
  }
  return (squares - neurons) / (neurons * (neurons - 1));
}

batched<sum_list<moments>> intervals_of_neurons(std::span<const trajectory> runs, const batch_places& places,
                                                const parameters& p, population q) {
  const auto neurons = static_cast<std::size_t>(p.size(q));
  batched<sum_list<moments>> out({std::vector<moments>(neurons)}, places.count());
  for (std::size_t r = 0; r < runs.size(); ++r) {
    std::vector<double> last(neurons, std::numeric_limits<double>::quiet_NaN());
    for (const spike_record& spike : runs[r].raster) {
      if (!belongs(spike, p, q)) {
        continue;
      }
      const std::size_t neuron = place_in(spike, p, q);
      const double interval = spike.time - last[neuron];
      last[neuron] = spike.time;
      if (!std::isnan(interval)) {
        out.add(places.at(r, spike.time - runs[r].raster_begin_s),
                [&](sum_list<moments>& sums) { sums.values[neuron].add(interval); });
      }
    }
  }
  return out;
}

batched<moments> shares_about_spikes(std::span<const trajectory> runs, const batch_places& places,
                                     const parameters& p) {
  batched<moments> out({}, places.count());
  for (std::size_t r = 0; r < runs.size(); ++r) {
    const trajectory& run = runs[r];
    const std::vector<double> shares = shares_of_neurons(run.raster, p.N_E + p.N_I);
    for (std::size_t i = 0; i < shares.size(); ++i) {
      out.add(places.at(r, run.raster[i].time - run.raster_begin_s), [&](moments& sums) { sums.add(shares[i]); });
    }
  }
  return out;
}

}  // namespace spikesweep
