#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <spikesweep/network/kept_runs.hpp>

namespace spikesweep {

/// How a figure of one run is compared with that of the exact run.
enum class comparison : std::uint8_t {
  relative,  ///< By the difference over the exact value [%].
  absolute,  ///< By the difference [unit of the figure].
  decibel,   ///< By ten times the logarithm of the ratio [dB].
  distance   ///< The figure is a distance from the exact run itself [unit of the figure].
};
std::string_view name_of(comparison c);

/// What a run has to keep for a figure to be defined, beside the counts of spikes that every run keeps.
enum class figure_needs : std::uint8_t {
  counts,    ///< Nothing.
  phases,    ///< The run was cut into phases.
  spikes,    ///< Every single spike and its neuron; only exact runs have them.
  reference  ///< An exact run to compare with.
};
/// Which commands print a figure with these needs, for people.
std::string_view commands_of(figure_needs needs);

/// A figure: a named statistic of a run. One row of figure_table().
struct figure {
  std::string name;        ///< In files, JSON and tables.
  std::string unit;        ///< "1": none.
  std::string words;       ///< For people, in a few words.
  std::string definition;  ///< For people, in a sentence.
  comparison compared = comparison::relative;
  std::optional<double> tolerance = {};  ///< A value this close to the exact one is right [error_unit()]; none: nothing
                                         ///< is said.
  std::optional<double> useful = {};     ///< Up to this error a value is of use [error_unit()]; none: no verdict asks.
  bool tuned = false;  ///< Surrogates are tuned to it.
  figure_needs needs = figure_needs::counts;
  bool brief = false;                                       ///< Also in tables with one row a point.
  population of_population = population::E;                 ///< Whose spikes it is about.
  double window_s = 0;                                      ///< Of counts [s]; 0: it needs none.
  frequency_band band = {};                                 ///< Of the spectrum [Hz]; none: it needs none.
  bool within_peak_band = false;                            ///< It is about the peak in the band that users choose.
  double (*of)(const kept_runs&, const figure&) = nullptr;  ///< None of a figure that needs a reference.

  /// How far `value` is from `truth`, in error_unit(); 0 if they are equal, also where both are 0. NaN where one of
  /// them is undefined, and for a relative error of a truth of 0. Of a distance: `value`.
  double error(double value, double truth) const;
  std::string error_unit() const;
  /// A standard error of a value in error_unit(); NaN where it is undefined.
  double error_of(double value, double standard_error) const;
};

/// All figures. Files, JSON, tables and reports list them in this order. A new figure is a new row.
std::span<const figure> figure_table();

/// The row of that name. Throws internal_error if there is none.
const figure& figure_named(std::string_view name);

using figure_list = std::vector<std::reference_wrapper<const figure>>;

/// The figures of runs that have phases and not every spike: those of surrogates.
figure_list predicted_figures();
/// The same, and those that need an exact run to compare with: what a validation has.
figure_list compared_figures();
/// The figures of runs that have every spike and no phases.
figure_list spike_figures();

/// The figures of a run, or how far they vary.
struct run_figures {
  std::vector<double> values;  ///< One for each row of figure_table(); NaN where a figure is undefined.
  peak_doubt doubt;            ///< About the spectral peak.

  /// All undefined.
  run_figures();

  double operator[](const figure& f) const { return values[row(f)]; }
  double& operator[](const figure& f) { return values[row(f)]; }
  /// By name. Throws internal_error if there is no such figure.
  double operator[](std::string_view name) const { return (*this)[figure_named(name)]; }
  double& operator[](std::string_view name) { return (*this)[figure_named(name)]; }

  double rate_E() const { return (*this)["rate_E_hz"]; }  ///< [Hz]
  double rate_I() const { return (*this)["rate_I_hz"]; }  ///< [Hz]

 private:
  static std::size_t row(const figure& f) { return static_cast<std::size_t>(&f - figure_table().data()); }
};

/// One figure of runs that count as one; NaN where it is undefined.
double figure_of(const kept_runs& runs, const figure& f);

/// The figures of runs that count as one. All are undefined if one of the runs ran away.
run_figures figures_of(const kept_runs& runs);

/// The standard error of each figure, by leaving out one batch after another. Undefined where the figure is, where the
/// runs have fewer than two batches, and where the figure hangs on a single one of them. Everywhere in spikesweep, the
/// number behind "+-" of a figure is this one.
run_figures standard_errors_of(const kept_runs& runs);

/// The figures of one run.
run_figures figures_of(const trajectory& run, const parameters& p, const figure_settings& settings = {});

}  // namespace spikesweep
