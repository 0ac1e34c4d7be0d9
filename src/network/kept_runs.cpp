#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include <spikesweep/base/error.hpp>
#include <spikesweep/network/kept_runs.hpp>

#include "batched.hpp"
#include "spike_pairs.hpp"

namespace spikesweep {

namespace {

/// Spikes of a stretch of the runs, and its length.
struct stretch {
  double seconds = 0;
  double E = 0;
  double I = 0;

  stretch& operator-=(const stretch& other) {
    seconds -= other.seconds;
    E -= other.E;
    I -= other.I;
    return *this;
  }
};

/// Squares of the transforms of segments, summed.
struct power_sum {
  sum_list<double> squares;
  std::int64_t segments = 0;

  void add(std::span<const double> more) {
    for (std::size_t i = 0; i < squares.values.size(); ++i) {
      squares.values[i] += more[i];
    }
    ++segments;
  }
  power_sum& operator-=(const power_sum& other) {
    squares -= other.squares;
    segments -= other.segments;
    return *this;
  }
};

/// What the covariance of E and later I counts is made of.
struct lag_sum {
  double bins = 0;
  double E = 0;
  double I = 0;
  double inner = 0;           ///< Bins that are in a pair at every lag.
  sum_list<double> products;  ///< Of each lag.
  sum_list<double> pairs;     ///< Their number beside those of inner bins.

  lag_sum& operator-=(const lag_sum& other) {
    bins -= other.bins;
    E -= other.E;
    I -= other.I;
    inner -= other.inner;
    products -= other.products;
    pairs -= other.pairs;
    return *this;
  }
};

const std::vector<double>& counts_of(const trajectory& run, population q) {
  return q == population::E ? run.counts_E : run.counts_I;
}

std::vector<double> joined(std::span<const trajectory> runs, std::vector<double> trajectory::*part) {
  std::vector<double> all;
  for (const trajectory& run : runs) {
    all.insert(all.end(), (run.*part).begin(), (run.*part).end());
  }
  return all;
}

/// A sum that is made when somebody first asks for it.
template <class Sum, class Make>
const batched<Sum>& made(std::optional<batched<Sum>>& kept, const Make& make) {
  if (!kept) {
    kept.emplace(make());
  }
  return *kept;
}

/// So many bins make a window; 0 if it is no whole number of them.
std::int64_t bins_in(double window_s, double bin_s) {
  constexpr double rounding = 1e-6;
  const double bins = window_s / bin_s;
  return bins > 1 - rounding && std::abs(bins - std::round(bins)) < rounding * bins ? std::llround(bins) : 0;
}

}  // namespace

/// What has been put together of the runs, of each batch and of all.
struct kept_runs::parts {
  explicit parts(std::span<const trajectory> runs) : places(runs) {}

  batch_places places;
  std::optional<batched<stretch>> stretches;
  std::map<std::pair<population, std::int64_t>, batched<moments>> counts;
  std::optional<batched<moments>> sizes;
  std::optional<batched<moments>> intervals;
  std::unique_ptr<segment_transform> transform;
  std::optional<batched<power_sum>> power;
  std::map<int, batched<lag_sum>> lags;
  std::optional<batched<moments>> shares;
  std::map<population, batched<sum_list<moments>>> spike_intervals;
  std::map<std::pair<population, double>, neuron_counts> pairs;
};

namespace {

batched<stretch> stretches_of(std::span<const trajectory> runs, const batch_places& places) {
  batched<stretch> out({}, places.count());
  for (std::size_t r = 0; r < runs.size(); ++r) {
    const trajectory& run = runs[r];
    out.all.seconds += run.duration_s;
    out.all.E += static_cast<double>(run.spikes_E);
    out.all.I += static_cast<double>(run.spikes_I);
    for (int k = 0; k < places.pieces_of(r); ++k) {
      const auto piece = static_cast<std::size_t>(k);
      stretch& one = out.of[static_cast<std::size_t>(places.of_piece(r, k))];
      one.seconds += run.duration_s / places.pieces_of(r);
      one.E += run.batches_E.empty() ? static_cast<double>(run.spikes_E) : run.batches_E[piece];
      one.I += run.batches_I.empty() ? static_cast<double>(run.spikes_I) : run.batches_I[piece];
    }
  }
  return out;
}

/// Moments of values about their mean, with the batch of each. Those of all are exact, as files have always had them.
batched<moments> moments_of(const std::vector<double>& values, const std::vector<int>& batch, int batches) {
  moments about;
  about.centre = values.empty() ? 0 : mean(values);
  batched<moments> out(about, batches);
  for (std::size_t i = 0; i < values.size(); ++i) {
    out.add(batch[i], [&](moments& m) { m.add(values[i]); });
  }
  out.all.sum = 0;  // But for rounding.
  return out;
}

batched<moments> windows_of(std::span<const trajectory> runs, const batch_places& places, population q,
                            std::int64_t bins, double bin_s) {
  const auto size = static_cast<std::size_t>(bins);
  std::vector<double> sums;
  std::vector<int> batch;
  std::size_t windows = 0;
  for (const trajectory& run : runs) {
    windows += counts_of(run, q).size() / size;
  }
  sums.reserve(windows);
  batch.reserve(windows);
  for (std::size_t r = 0; r < runs.size(); ++r) {
    const std::vector<double>& counts = counts_of(runs[r], q);
    for (std::size_t begin = 0; begin + size <= counts.size(); begin += size) {
      double sum = 0;
      for (std::size_t i = begin; i < begin + size; ++i) {
        sum += counts[i];
      }
      sums.push_back(sum);
      batch.push_back(places.at(r, static_cast<double>(begin) * bin_s));
    }
  }
  return moments_of(sums, batch, places.count());
}

batched<moments> phases_of(std::span<const trajectory> runs, const batch_places& places,
                           std::vector<double> trajectory::*part) {
  std::vector<int> batch;
  for (std::size_t r = 0; r < runs.size(); ++r) {
    const std::vector<double>& values = runs[r].*part;
    const std::vector<double>& begins = runs[r].begins;
    // The first phase of a run has no interval before it.
    const std::size_t first = begins.size() >= values.size() ? begins.size() - values.size() : 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      batch.push_back(places.at(r, first + i < begins.size() ? begins[first + i] : 0));
    }
  }
  return moments_of(joined(runs, part), batch, places.count());
}

batched<power_sum> powers_of(std::span<const trajectory> runs, const batch_places& places, segment_transform& transform,
                             double scale, double bin_s) {
  batched<power_sum> out({{std::vector<double>(transform.frequencies(), 0.0)}, 0}, places.count());
  for (std::size_t r = 0; r < runs.size(); ++r) {
    std::vector<double> rate = runs[r].counts_E;
    for (double& count : rate) {
      count /= scale;
    }
    transform.each(rate, [&](std::size_t begin, std::span<const double> squares) {
      out.add(places.at(r, static_cast<double>(begin) * bin_s), [&](power_sum& sum) { sum.add(squares); });
    });
  }
  return out;
}

/// Adds to each sum the product of a count with another one.
void add_products(double count, std::span<const double> others, std::span<double> sums) {
  if (count == 0) {
    return;
  }
  for (std::size_t k = 0; k < sums.size(); ++k) {
    sums[k] += count * others[k];
  }
}

batched<lag_sum> lags_of(std::span<const trajectory> runs, const batch_places& places, int reach, double bin_s) {
  const auto lags = static_cast<std::size_t>(2 * reach + 1);
  lag_sum nothing;
  nothing.products.values.assign(lags, 0.0);
  nothing.pairs.values.assign(lags, 0.0);
  batched<lag_sum> out(nothing, places.count());
  for (std::size_t r = 0; r < runs.size(); ++r) {
    const std::vector<double>& E = runs[r].counts_E;
    const std::vector<double>& I = runs[r].counts_I;
    const auto bins = static_cast<std::int64_t>(std::min(E.size(), I.size()));
    for (std::int64_t t = 0; t < bins; ++t) {
      const auto here = static_cast<std::size_t>(t);
      lag_sum& to = out.of[static_cast<std::size_t>(places.at(r, static_cast<double>(t) * bin_s))];
      to.bins += 1;
      to.E += E[here];
      to.I += I[here];
      if (t >= reach && t + reach < bins) {
        to.inner += 1;
        add_products(E[here], std::span(I).subspan(static_cast<std::size_t>(t - reach), lags), to.products.values);
        continue;
      }
      const std::int64_t first = std::max<std::int64_t>(-reach, -t);
      const std::int64_t last = std::min<std::int64_t>(reach, bins - 1 - t);
      for (std::int64_t lag = first; lag <= last; ++lag) {
        const auto k = static_cast<std::size_t>(lag + reach);
        to.products.values[k] += E[here] * I[static_cast<std::size_t>(t + lag)];
        to.pairs.values[k] += 1;
      }
    }
  }
  for (const lag_sum& one : out.of) {  // Whole numbers: the order means nothing.
    out.all.bins += one.bins;
    out.all.E += one.E;
    out.all.I += one.I;
    out.all.inner += one.inner;
    for (std::size_t k = 0; k < lags; ++k) {
      out.all.products.values[k] += one.products.values[k];
      out.all.pairs.values[k] += one.pairs.values[k];
    }
  }
  return out;
}

}  // namespace

kept_runs::kept_runs(std::span<const trajectory> runs, const parameters& p, const figure_settings& settings)
    : runs_(runs), network_(&p), settings_(settings), parts_(std::make_shared<parts>(runs)) {}

bool kept_runs::runaway() const {
  return std::ranges::any_of(runs_, &trajectory::runaway);
}

bool kept_runs::have_phases() const {
  return std::ranges::all_of(runs_, &trajectory::phases);
}

bool kept_runs::have_spikes() const {
  return std::ranges::all_of(runs_, &trajectory::every_spike);
}

int kept_runs::batches() const {
  return parts_->places.count();
}

kept_runs kept_runs::without(int batch) const {
  return with_choice({batch, false});
}

kept_runs kept_runs::alone(int run) const {
  if (!runs_are_batches()) {
    throw internal_error("runs of several batches, or of every spike, do not stand alone");
  }
  return with_choice({run, true});
}

bool kept_runs::runs_are_batches() const {
  const batch_places& places = parts_->places;
  return !have_spikes() && places.count() == static_cast<int>(runs_.size()) &&
         places.of_piece(runs_.size() - 1, 0) + 1 == places.count();
}

kept_runs kept_runs::with_choice(batch_choice choice) const {
  kept_runs out = *this;
  out.choice_ = choice;
  out.power_.reset();
  out.peak_.reset();
  return out;
}

double kept_runs::seconds() const {
  return made(parts_->stretches, [&] { return stretches_of(runs_, parts_->places); }).of_choice(choice_).seconds;
}

double kept_runs::spikes(population q) const {
  const stretch s = made(parts_->stretches, [&] { return stretches_of(runs_, parts_->places); }).of_choice(choice_);
  return q == population::E ? s.E : s.I;
}

moments kept_runs::counts(population q, double window_s) const {
  const std::int64_t bins = bins_in(window_s, settings_.bin_s);
  if (bins == 0) {
    return {};
  }
  const auto key = std::pair(q, bins);
  auto found = parts_->counts.find(key);
  if (found == parts_->counts.end()) {
    found = parts_->counts.emplace(key, windows_of(runs_, parts_->places, q, bins, settings_.bin_s)).first;
  }
  return found->second.of_choice(choice_);
}

moments kept_runs::phase_sizes() const {
  return made(parts_->sizes, [&] { return phases_of(runs_, parts_->places, &trajectory::sizes); }).of_choice(choice_);
}

moments kept_runs::phase_intervals() const {
  return made(parts_->intervals, [&] { return phases_of(runs_, parts_->places, &trajectory::intervals); })
      .of_choice(choice_);
}

const spectrum& kept_runs::power() const {
  if (!power_) {
    const auto make = [&] {
      parts_->transform =
          std::make_unique<segment_transform>(settings_.bin_s, std::llround(settings_.segment_s / settings_.bin_s));
      return powers_of(runs_, parts_->places, *parts_->transform, network_->N_E * settings_.bin_s, settings_.bin_s);
    };
    const power_sum sum = made(parts_->power, make).of_choice(choice_);
    power_ = parts_->transform->scaled(sum.squares.values, sum.segments);
  }
  return *power_;
}

const spectral_peak& kept_runs::peak() const {
  if (!peak_) {
    peak_ = find_peak(power(), settings_.peak_band);
  }
  return *peak_;
}

std::vector<double> kept_runs::covariance_E_I(int reach) const {
  auto found = parts_->lags.find(reach);
  if (found == parts_->lags.end()) {
    found = parts_->lags.emplace(reach, lags_of(runs_, parts_->places, reach, settings_.bin_s)).first;
  }
  const lag_sum sum = found->second.of_choice(choice_);
  std::vector<double> out;
  for (std::size_t k = 0; k < sum.products.values.size(); ++k) {
    out.push_back(sum.products.values[k] / (sum.inner + sum.pairs.values[k]) - sum.E / sum.bins * (sum.I / sum.bins));
  }
  return out;
}

moments kept_runs::synchrony() const {
  return made(parts_->shares, [&] { return shares_about_spikes(runs_, parts_->places, *network_); }).of_choice(choice_);
}

std::vector<moments> kept_runs::spike_intervals(population q) const {
  auto found = parts_->spike_intervals.find(q);
  if (found == parts_->spike_intervals.end()) {
    found = parts_->spike_intervals.emplace(q, intervals_of_neurons(runs_, parts_->places, *network_, q)).first;
  }
  return found->second.of_choice(choice_).values;
}

double kept_runs::pair_correlation(population q, double window_s) const {
  const auto key = std::pair(q, window_s);
  auto found = parts_->pairs.find(key);
  if (found == parts_->pairs.end()) {
    found = parts_->pairs.emplace(key, neuron_counts(runs_, parts_->places, *network_, q, window_s)).first;
  }
  return found->second.mean_correlation(choice_.batch);
}

std::vector<double> kept_runs::all_sizes() const {
  return joined(runs_, &trajectory::sizes);
}

std::vector<double> kept_runs::all_intervals() const {
  return joined(runs_, &trajectory::intervals);
}

}  // namespace spikesweep
