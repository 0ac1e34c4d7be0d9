#pragma once

#include <functional>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include <spikesweep/base/table.hpp>
#include <spikesweep/network/figures.hpp>

namespace spikesweep {

/// Throws input_error unless a band is within the spectrum of runs with bins of `bin_s` [s]. `from`: what gave it.
void check_peak_band(const frequency_band& band, double bin_s, std::string_view from);

/// The band of `--peak-band LOW,HIGH` [Hz]. Throws input_error unless it is one, within the spectrum of runs with bins
/// of `bin_s` [s].
frequency_band parse_peak_band(std::string_view text, double bin_s = figure_settings().bin_s);

/// A value for people with its standard error, such as "10.42 +- 0.0085"; without one that is undefined.
std::string value_text(double value, double error);

using figure_notes = std::function<std::string(const figure&)>;

/// Rows for people: name, value with its standard error, unit, words, and a note if there are notes. The table has as
/// many columns.
void add_figure_rows(text_table& table, const figure_list& figures, const run_figures& values,
                     const run_figures& errors, const figure_notes& notes = {});

/// The figures by name; then their standard errors as `standard_errors`, and what speaks against the spectral peak as
/// `peak_doubt`. Where nothing is defined there is null.
void add_figures(nlohmann::ordered_json& object, const figure_list& figures, const run_figures& values,
                 const run_figures& errors, const frequency_band& band);

/// Says which of the figures need longer runs: figures in windows, of so many runs of `run_s` [s]. Empty if none does.
std::string short_run_note(const figure_list& figures, int runs, double run_s);

/// The doubt about the spectral peak in words, and what to do; empty without doubt.
std::string peak_warning(const run_figures& values, const frequency_band& band);

/// docs/reference/figures.md: every figure with its unit, its meaning, and how it is compared.
std::string figure_reference();

}  // namespace spikesweep
