#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

#include <spikesweep/base/error.hpp>
#include <spikesweep/network/figures.hpp>
#include <spikesweep/network/statistics.hpp>

namespace spikesweep {

namespace {

/// Whether these runs keep what the figure needs.
bool have_what_it_needs(const kept_runs& runs, const figure& f) {
  switch (f.needs) {
    case figure_needs::counts:
      return true;
    case figure_needs::phases:
      return runs.have_phases();
    case figure_needs::spikes:
      return runs.have_spikes();
    case figure_needs::reference:
      return false;
  }
  return false;
}

/// One for each row of figure_table().
std::vector<double> values_of(const kept_runs& runs) {
  std::vector<double> values;
  for (const figure& f : figure_table()) {
    if (runs.settings().before_each) {
      runs.settings().before_each();
    }
    values.push_back(figure_of(runs, f));
  }
  return values;
}

figure_list figures_with(std::initializer_list<figure_needs> allowed) {
  figure_list rows;
  std::ranges::copy_if(figure_table(), std::back_inserter(rows),
                       [&](const figure& f) { return std::ranges::find(allowed, f.needs) != allowed.end(); });
  return rows;
}

}  // namespace

std::string_view name_of(comparison c) {
  switch (c) {
    case comparison::relative:
      return "relative";
    case comparison::absolute:
      return "absolute";
    case comparison::decibel:
      return "decibel";
    case comparison::distance:
      return "distance";
  }
  return "";
}

std::string_view commands_of(figure_needs needs) {
  switch (needs) {
    case figure_needs::counts:
      return "`simulate`, `predict`, `validate`";
    case figure_needs::phases:
      return "`predict`, `validate`";
    case figure_needs::spikes:
      return "`simulate`";
    case figure_needs::reference:
      return "`validate`";
  }
  return "";
}

double figure::error(double value, double truth) const {
  if (compared == comparison::distance) {
    return value;
  }
  if (value == truth) {
    return 0;  // Also where both are 0.
  }
  switch (compared) {
    case comparison::relative:
      return truth == 0 ? std::numeric_limits<double>::quiet_NaN() : 100 * std::abs(value / truth - 1);
    case comparison::decibel:
      return value > 0 && truth > 0 ? std::abs(decibels_of(value / truth)) : std::numeric_limits<double>::quiet_NaN();
    default:
      return std::abs(value - truth);
  }
}

double figure::error_of(double value, double standard_error) const {
  constexpr double decibels_of_e = 4.3429448190325182765;  // 10 / ln 10
  constexpr double undefined = std::numeric_limits<double>::quiet_NaN();
  switch (compared) {
    case comparison::relative:
      return value == 0 ? (standard_error == 0 ? 0 : undefined) : 100 * standard_error / std::abs(value);
    case comparison::decibel:
      return value > 0 ? decibels_of_e * standard_error / value : undefined;
    case comparison::distance:
      return undefined;
    default:
      return standard_error;
  }
}

std::string figure::error_unit() const {
  switch (compared) {
    case comparison::relative:
      return "%";
    case comparison::decibel:
      return "dB";
    default:
      return unit;
  }
}

figure_list predicted_figures() {
  return figures_with({figure_needs::counts, figure_needs::phases});
}

figure_list compared_figures() {
  return figures_with({figure_needs::counts, figure_needs::phases, figure_needs::reference});
}

figure_list spike_figures() {
  return figures_with({figure_needs::counts, figure_needs::spikes});
}

const figure& figure_named(std::string_view name) {
  const auto found = std::ranges::find(figure_table(), name, &figure::name);
  if (found == figure_table().end()) {
    throw internal_error("there is no figure '" + std::string(name) + "'");
  }
  return *found;
}

run_figures::run_figures() : values(figure_table().size(), std::numeric_limits<double>::quiet_NaN()) {}

double figure_of(const kept_runs& runs, const figure& f) {
  return !runs.runaway() && have_what_it_needs(runs, f) ? f.of(runs, f) : std::numeric_limits<double>::quiet_NaN();
}

run_figures figures_of(const kept_runs& runs) {
  run_figures out;
  if (runs.runaway()) {
    return out;
  }
  out.values = values_of(runs);
  out.doubt = doubt_of_peak(runs.power(), runs.settings().peak_band);
  return out;
}

run_figures standard_errors_of(const kept_runs& runs) {
  run_figures out;
  if (runs.runaway() || runs.batches() < 2) {
    return out;
  }
  std::vector<std::vector<double>> values(figure_table().size());  // Of each figure, without each batch.
  for (int batch = 0; batch < runs.batches(); ++batch) {
    const std::vector<double> others = values_of(runs.without(batch));
    for (std::size_t row = 0; row < values.size(); ++row) {
      values[row].push_back(others[row]);
    }
  }
  std::ranges::transform(values, out.values.begin(), [](const auto& of) { return jackknife_error(of); });
  return out;
}

run_figures figures_of(const trajectory& run, const parameters& p, const figure_settings& settings) {
  return figures_of(kept_runs(std::span(&run, 1), p, settings));
}

}  // namespace spikesweep
