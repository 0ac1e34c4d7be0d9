#include <charconv>
#include <cmath>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <spikesweep/base/error.hpp>
#include <spikesweep/study/figure_text.hpp>

namespace spikesweep {

namespace {

using nlohmann::ordered_json;

std::optional<double> number_in(std::string_view text) {
  double value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = fault == std::errc() && end == text.data() + text.size() && std::isfinite(value);
  return whole ? std::optional(value) : std::nullopt;
}

ordered_json by_name(const figure_list& figures, const run_figures& values) {
  ordered_json object = ordered_json::object();
  for (const figure& f : figures) {
    object[f.name] = values[f];
  }
  return object;
}

}  // namespace

void check_peak_band(const frequency_band& band, double bin_s, std::string_view from) {
  const double top = 0.5 / bin_s;
  if (band.lowest < 0 || band.highest > top) {
    throw input_error(
        fmt::format("{}: {:g} to {:g} Hz is outside the spectrum, which reaches from 0 to {:g} Hz "
                    "with bins of {:g} ms; give a band within it",
                    from, band.lowest, band.highest, top, bin_s * 1e3));
  }
}

frequency_band parse_peak_band(std::string_view text, double bin_s) {
  const auto comma = text.find(',');
  const auto low = number_in(text.substr(0, comma));
  const auto high = comma == std::string_view::npos ? std::nullopt : number_in(text.substr(comma + 1));
  if (!low || !high || !(*low < *high)) {
    throw input_error(fmt::format(
        "--peak-band: '{}' is no band; give two frequencies in Hz, the lower one first, such as --peak-band 20,120",
        text));
  }
  check_peak_band({*low, *high}, bin_s, "--peak-band");
  if (*high - *low < narrowest_peak_band_hz) {
    throw input_error(fmt::format(
        "--peak-band: {0:g} to {1:g} Hz is too narrow: every peak of the smoothed spectrum is about {2:g} Hz "
        "wide or wider; give a band of {2:g} Hz or more",
        *low, *high, narrowest_peak_band_hz));
  }
  return {*low, *high};
}

std::string value_text(double value, double error) {
  return readable(value) + (std::isfinite(value) && std::isfinite(error) ? " +- " + readable(error) : "");
}

void add_figure_rows(text_table& table, const figure_list& figures, const run_figures& values,
                     const run_figures& errors, const figure_notes& notes) {
  for (const figure& f : figures) {
    std::vector<std::string> row{f.name, value_text(values[f], errors[f]), f.unit == "1" ? "" : f.unit, f.words};
    if (notes) {
      row.push_back(notes(f));
    }
    table.add_row(row);
  }
}

void add_figures(ordered_json& object, const figure_list& figures, const run_figures& values, const run_figures& errors,
                 const frequency_band& band) {
  object.update(by_name(figures, values));
  object["standard_errors"] = by_name(figures, errors);
  const std::string doubt = words_of(values.doubt, values["peak_hz"], band);
  object["peak_doubt"] = doubt.empty() ? ordered_json() : ordered_json(doubt);
}

std::string short_run_note(const figure_list& figures, int runs, double run_s) {
  constexpr double rounding = 1e-9;
  std::string names;
  for (const figure& f : figures) {
    if (f.window_s > 0 && runs * std::floor(run_s / f.window_s + rounding) < 2) {
      names += (names.empty() ? "" : ", ") + f.name;
    }
  }
  if (names.empty()) {
    return "";
  }
  return "no value of " + names + ": the run is too short for two windows of this length; choose a longer --duration";
}

std::string peak_warning(const run_figures& values, const frequency_band& band) {
  const std::string doubt = words_of(values.doubt, values["peak_hz"], band);
  return doubt.empty() ? doubt : doubt + "; look at the spectrum, or choose another band with --peak-band";
}

}  // namespace spikesweep
