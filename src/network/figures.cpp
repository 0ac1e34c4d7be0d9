#include <algorithm>
#include <cmath>
#include <functional>
#include <iterator>
#include <limits>

#include <spikesweep/base/error.hpp>
#include <spikesweep/network/figures.hpp>

namespace spikesweep {

namespace {

constexpr double undefined = std::numeric_limits<double>::quiet_NaN();

double rate(const kept_runs& runs, population q) {
  return static_cast<double>(runs.spikes(q)) / (runs.network().size(q) * runs.seconds());
}

/// Phases that are not quiet, per second; undefined for steps.
double phase_rate(const kept_runs& runs) {
  return runs.runs().front().steps ? undefined : static_cast<double>(runs.sizes().size()) / runs.seconds();
}

/// The mean over the runs.
double synchrony(const kept_runs& runs) {
  const int neurons = runs.network().N_E + runs.network().N_I;
  double sum = 0;
  for (const trajectory& run : runs.runs()) {
    sum += spike_synchrony_index(run.raster, neurons);
  }
  return sum / static_cast<double>(runs.runs().size());
}

const std::vector<figure> table{
    {.name = "rate_E_hz",
     .unit = "Hz",
     .words = "E rate",
     .of = [](const kept_runs& runs) { return rate(runs, population::E); }},
    {.name = "rate_I_hz",
     .unit = "Hz",
     .words = "I rate",
     .of = [](const kept_runs& runs) { return rate(runs, population::I); }},
    {.name = "phase_rate_hz",
     .unit = "Hz",
     .words = "rate of phases that are not quiet",
     .needs = figure_needs::phases,
     .of = phase_rate},
    {.name = "size_mean",
     .unit = "spike",
     .words = "mean size of a phase",
     .needs = figure_needs::phases,
     .of = [](const kept_runs& runs) { return mean(runs.sizes()); }},
    {.name = "size_cv",
     .unit = "1",
     .words = "CV of the sizes of phases",
     .needs = figure_needs::phases,
     .of = [](const kept_runs& runs) { return coefficient_of_variation(runs.sizes()); }},
    {.name = "interval_mean_s",
     .unit = "s",
     .words = "mean interval from phase to phase",
     .needs = figure_needs::phases,
     .of = [](const kept_runs& runs) { return mean(runs.intervals()); }},
    {.name = "interval_cv",
     .unit = "1",
     .words = "CV of the intervals from phase to phase",
     .needs = figure_needs::phases,
     .of = [](const kept_runs& runs) { return coefficient_of_variation(runs.intervals()); }},
    {.name = "fano_E_1ms",
     .unit = "1",
     .words = "Fano factor of E counts in 1 ms",
     .of = [](const kept_runs& runs) { return fano_factor(runs.counts_E()); }},
    {.name = "peak_hz",
     .unit = "Hz",
     .words = "spectral peak of the E rate",
     .compared = comparison::absolute,
     .tolerance = 2,  // Welch bins of 1 s are 1 Hz wide.
     .of = [](const kept_runs& runs) { return peak_frequency(runs.power()); }},
    {.name = "synchrony",
     .unit = "1",
     .words = "spike synchrony index",
     .needs = figure_needs::spikes,
     .of = synchrony},
};

/// The rows that do not need this, in the order of the table.
std::vector<std::reference_wrapper<const figure>> figures_without(figure_needs needs) {
  std::vector<std::reference_wrapper<const figure>> rows;
  std::copy_if(table.begin(), table.end(), std::back_inserter(rows),
               [needs](const figure& f) { return f.needs != needs; });
  return rows;
}

}  // namespace

bool kept_runs::runaway() const {
  return std::ranges::any_of(runs_, &trajectory::runaway);
}

double kept_runs::seconds() const {
  double sum = 0;
  for (const trajectory& run : runs_) {
    sum += run.duration_s;
  }
  return sum;
}

std::int64_t kept_runs::spikes(population q) const {
  std::int64_t sum = 0;
  for (const trajectory& run : runs_) {
    sum += q == population::E ? run.spikes_E : run.spikes_I;
  }
  return sum;
}

const std::vector<double>& kept_runs::joined(std::vector<double> trajectory::*part,
                                             std::optional<std::vector<double>>& into) const {
  if (!into) {
    into.emplace();
    for (const trajectory& run : runs_) {
      into->insert(into->end(), (run.*part).begin(), (run.*part).end());
    }
  }
  return *into;
}

const std::vector<double>& kept_runs::sizes() const {
  return joined(&trajectory::sizes, sizes_);
}

const std::vector<double>& kept_runs::intervals() const {
  return joined(&trajectory::intervals, intervals_);
}

const std::vector<double>& kept_runs::counts_E() const {
  return joined(&trajectory::counts_E, counts_E_);
}

const spectrum& kept_runs::power() const {
  if (!power_) {
    std::vector<std::vector<double>> series;
    for (const trajectory& run : runs_) {
      series.push_back(run.counts_E);
      for (double& count : series.back()) {
        count /= network_.N_E * bin_s_;
      }
    }
    power_ = welch(series, bin_s_, std::llround(segment_s_ / bin_s_));
  }
  return *power_;
}

std::string_view name_of(comparison c) {
  return c == comparison::relative ? "relative" : "absolute";
}

double figure::error(double value, double truth) const {
  if (value == truth) {
    return 0;  // Also where both are 0.
  }
  if (compared == comparison::absolute) {
    return std::abs(value - truth);
  }
  return truth == 0 ? undefined : 100 * std::abs(value / truth - 1);
}

std::span<const figure> figure_table() {
  return table;
}

std::vector<std::reference_wrapper<const figure>> compared_figures() {
  return figures_without(figure_needs::spikes);
}

std::vector<std::reference_wrapper<const figure>> spike_figures() {
  return figures_without(figure_needs::phases);
}

const figure& figure_named(std::string_view name) {
  const auto found = std::ranges::find(table, name, &figure::name);
  if (found == table.end()) {
    throw internal_error("there is no figure '" + std::string(name) + "'");
  }
  return *found;
}

run_figures::run_figures() : values(table.size(), undefined) {}

run_figures figures_of(const kept_runs& runs) {
  run_figures out;
  if (runs.runaway()) {
    return out;
  }
  const bool phases = std::ranges::all_of(runs.runs(), &trajectory::phases);
  const bool spikes = std::ranges::all_of(runs.runs(), &trajectory::every_spike);
  for (const figure& f : table) {
    if ((f.needs != figure_needs::phases || phases) && (f.needs != figure_needs::spikes || spikes)) {
      out[f] = f.of(runs);
    }
  }
  return out;
}

run_figures figures_of(const trajectory& run, const parameters& p, double bin_s, double segment_s) {
  return figures_of(kept_runs(std::span(&run, 1), p, bin_s, segment_s));
}

}  // namespace spikesweep
