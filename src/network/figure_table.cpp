// The rows of the table of figures. How to add one: docs/developing.md.
#include <algorithm>
#include <cmath>
#include <limits>

#include <spikesweep/network/figures.hpp>
#include <spikesweep/network/statistics.hpp>

namespace spikesweep {

namespace {

constexpr double undefined = std::numeric_limits<double>::quiet_NaN();
/// How far the lag of I behind E is sought [s]: half a period of 50 Hz.
constexpr double lag_reach_s = 10e-3;
/// A covariance is real if it is so many times the standard deviation of that of independent counts. The largest of 21
/// that are independent is beyond it once in 170,000 times.
constexpr double beyond_chance = 5;
/// Neurons with fewer intervals between spikes say too little about how regular they are.
constexpr double fewest_intervals = 5;
/// A spectral peak this close to the exact one is right [Hz]: Welch bins of 1 s are 1 Hz wide.
constexpr double peak_tolerance_hz = 2;

double rate(const kept_runs& runs, const figure& f) {
  return runs.spikes(f.of_population) / (runs.network().size(f.of_population) * runs.seconds());
}

/// Phases that are not quiet, per second; undefined for steps.
double phase_rate(const kept_runs& runs, const figure&) {
  return runs.runs().front().steps ? undefined : runs.phase_sizes().count / runs.seconds();
}

double fano(const kept_runs& runs, const figure& f) {
  return runs.counts(f.of_population, f.window_s).fano_factor();
}

double power_in_band(const kept_runs& runs, const figure& f) {
  const double power = band_power(runs.power(), f.band);
  return power > 0 ? decibels_of(power) : undefined;
}

/// Where the covariance of E and later I counts is largest, by a parabola through the maximum and its neighbours.
double lag_of_I(const kept_runs& runs, const figure&) {
  const double bin_s = runs.settings().bin_s;
  const int reach = static_cast<int>(std::floor(lag_reach_s / bin_s + 1e-6));
  if (reach < 2) {
    return undefined;
  }
  const std::vector<double> c = runs.covariance_E_I(reach);
  const auto top = static_cast<std::size_t>(std::ranges::max_element(c) - c.begin());
  // Independent counts have a covariance by chance, and its maximum is anywhere. That of a trend is largest at an end.
  const moments E = runs.counts(population::E, bin_s);
  const moments I = runs.counts(population::I, bin_s);
  const double by_chance = std::sqrt(E.variance() * I.variance() / E.count);
  if (!(c[top] > beyond_chance * by_chance) || top == 0 || top + 1 == c.size()) {
    return undefined;
  }
  const double bend = c[top - 1] - 2 * c[top] + c[top + 1];
  const double shift = bend < 0 ? (c[top - 1] - c[top + 1]) / (2 * bend) : 0;
  return 1e3 * bin_s * (static_cast<double>(top) - reach + shift);
}

/// The mean over the neurons.
double interval_variation(const kept_runs& runs, const figure& f) {
  moments over;
  for (const moments& of_neuron : runs.spike_intervals(f.of_population)) {
    if (of_neuron.count >= fewest_intervals) {
      over.add(of_neuron.coefficient_of_variation());
    }
  }
  return over.mean();
}

figure rate_row(population q, std::string name) {
  const std::string of = q == population::E ? "E" : "I";
  return {.name = std::move(name),
          .unit = "Hz",
          .words = of + " rate",
          .definition = "spikes of the " + of + " population for each " + of + " neuron and second",
          .useful = 2,
          .tuned = true,
          .brief = true,
          .of_population = q,
          .of = rate};
}

figure fano_row(population q, int window_ms) {
  const std::string of = q == population::E ? "E" : "I";
  const std::string window = std::to_string(window_ms) + " ms";
  return {.name = "fano_" + of + "_" + std::to_string(window_ms) + "ms",
          .unit = "1",
          .words = "Fano factor of " + of + " counts in " + window,
          .definition = "variance over mean of the number of " + of + " spikes in consecutive windows of " + window,
          .useful = q == population::E && window_ms == 1 ? std::optional(10.0) : std::nullopt,
          .tuned = q == population::E && window_ms == 1,
          .brief = q == population::E && window_ms == 1,
          .of_population = q,
          .window_s = window_ms * 1e-3,
          .of = fano};
}

figure band_row(int lowest, int highest) {
  const std::string band = std::to_string(lowest) + " to " + std::to_string(highest) + " Hz";
  return {.name = "power_" + std::to_string(lowest) + "_" + std::to_string(highest) + "hz_db",
          .unit = "dB",
          .words = "power of the E rate, " + band,
          .definition =
              "ten times the decimal logarithm of the integral of the spectrum from " + band + ", in units of 1 Hz^2",
          .compared = comparison::absolute,
          .band = {static_cast<double>(lowest), static_cast<double>(highest)},
          .of = power_in_band};
}

figure interval_variation_row(population q) {
  const std::string of = q == population::E ? "E" : "I";
  return {.name = "isi_cv_" + of,
          .unit = "1",
          .words = "ISI CV of " + of + " neurons",
          .definition = "coefficient of variation of the intervals from spike to spike of a neuron, mean over the " +
                        of + " neurons that have at least 5 such intervals",
          .needs = figure_needs::spikes,
          .of_population = q,
          .of = interval_variation};
}

figure correlation_row(population q) {
  const std::string of = q == population::E ? "E" : "I";
  return {
      .name = "pair_correlation_" + of,
      .unit = "1",
      .words = "mean correlation of pairs of " + of + " neurons in 20 ms",
      .definition = "Pearson correlation of the spike counts of two " + of +
                    " neurons in consecutive windows of 20 ms, mean over all pairs of neurons whose counts vary",
      .compared = comparison::absolute,
      .needs = figure_needs::spikes,
      .of_population = q,
      .window_s = 20e-3,
      .of = [](const kept_runs& runs, const figure& f) { return runs.pair_correlation(f.of_population, f.window_s); }};
}

const std::vector<figure> table{
    rate_row(population::E, "rate_E_hz"),
    rate_row(population::I, "rate_I_hz"),
    {.name = "phase_rate_hz",
     .unit = "Hz",
     .words = "rate of phases that are not quiet",
     .definition = "active phases (MFEs or volleys) for each second; undefined with the section `interval`",
     .useful = 3,
     .needs = figure_needs::phases,
     .brief = true,
     .of = phase_rate},
    {.name = "size_mean",
     .unit = "spike",
     .words = "mean size of a phase",
     .definition = "mean number of spikes, E and I together, of a phase that is not quiet",
     .useful = 3,
     .needs = figure_needs::phases,
     .brief = true,
     .of = [](const kept_runs& runs, const figure&) { return runs.phase_sizes().mean(); }},
    {.name = "size_cv",
     .unit = "1",
     .words = "CV of the sizes of phases",
     .definition = "coefficient of variation of the number of spikes of a phase that is not quiet",
     .useful = 10,
     .tuned = true,
     .needs = figure_needs::phases,
     .brief = true,
     .of = [](const kept_runs& runs, const figure&) { return runs.phase_sizes().coefficient_of_variation(); }},
    {.name = "interval_mean_s",
     .unit = "s",
     .words = "mean interval from phase to phase",
     .definition = "mean time from the start of one active phase to the start of the next; undefined with `interval`",
     .useful = 3,
     .needs = figure_needs::phases,
     .brief = true,
     .of = [](const kept_runs& runs, const figure&) { return runs.phase_intervals().mean(); }},
    {.name = "interval_cv",
     .unit = "1",
     .words = "CV of the intervals from phase to phase",
     .definition = "coefficient of variation of the time from the start of one active phase to the start of the next",
     .useful = 15,
     .tuned = true,
     .needs = figure_needs::phases,
     .brief = true,
     .of = [](const kept_runs& runs, const figure&) { return runs.phase_intervals().coefficient_of_variation(); }},
    fano_row(population::E, 1),
    {.name = "peak_hz",
     .unit = "Hz",
     .words = "spectral peak of the E rate",
     .definition = "frequency of the highest peak of the spectrum within the peak band",
     .compared = comparison::absolute,
     .tolerance = peak_tolerance_hz,
     .useful = peak_tolerance_hz,
     .tuned = true,
     .brief = true,
     .within_peak_band = true,
     .of = [](const kept_runs& runs, const figure&) { return runs.peak().frequency; }},
    fano_row(population::E, 5),
    fano_row(population::E, 20),
    fano_row(population::E, 100),
    fano_row(population::I, 1),
    fano_row(population::I, 5),
    fano_row(population::I, 20),
    fano_row(population::I, 100),
    {.name = "peak_power",
     .unit = "Hz^2/Hz",
     .words = "power of the spectral peak",
     .definition = "the smoothed spectrum at `peak_hz`",
     .compared = comparison::decibel,
     .within_peak_band = true,
     .of = [](const kept_runs& runs, const figure&) { return runs.peak().power; }},
    {.name = "peak_width_hz",
     .unit = "Hz",
     .words = "width of the spectral peak",
     .definition = "width of the peak at half of its power; undefined if the smoothed spectrum does not come down to "
                   "half on both sides",
     .compared = comparison::absolute,
     .tuned = true,
     .within_peak_band = true,
     .of = [](const kept_runs& runs, const figure&) { return runs.peak().width; }},
    {.name = "peak_ratio",
     .unit = "1",
     .words = "power of the peak over that of the second",
     .definition = "power of the peak over that of the next highest peak of the band; undefined without a second peak",
     .compared = comparison::decibel,
     .within_peak_band = true,
     .of = [](const kept_runs& runs, const figure&) { return runs.peak().ratio; }},
    band_row(5, 20),
    band_row(20, 60),
    band_row(60, 150),
    {.name = "lag_I_ms",
     .unit = "ms",
     .words = "lag of I spikes behind E spikes",
     .definition =
         "the shift of the I counts against the E counts, within 10 ms, at which their covariance is largest; "
         "undefined if this covariance is less than 5 standard deviations of that of independent counts, and "
         "with bins above 5 ms",
     .compared = comparison::absolute,
     .of = lag_of_I},
    {.name = "spectrum_db",
     .unit = "dB",
     .words = "distance of the log spectra",
     .definition = "root mean square over the frequencies of the difference of ten times the decimal logarithms of the "
                   "smoothed spectra of the run and of the exact run",
     .compared = comparison::distance,
     .needs = figure_needs::reference,
     .band = compared_band},
    {.name = "synchrony",
     .unit = "1",
     .words = "spike synchrony index",
     .definition = "the share of all neurons that fire within 5 ms centred on a spike, mean over the spikes (Chariker "
                   "and Young 2015, J. Comput. Neurosci. 38:203)",
     .needs = figure_needs::spikes,
     .of = [](const kept_runs& runs, const figure&) { return runs.synchrony().mean(); }},
    interval_variation_row(population::E),
    interval_variation_row(population::I),
    correlation_row(population::E),
    correlation_row(population::I),
};

}  // namespace

std::span<const figure> figure_table() {
  return table;
}

}  // namespace spikesweep
