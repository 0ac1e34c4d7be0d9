
#include <algorithm>
#include <cmath>
#include <ostream>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <spikesweep/base/json_text.hpp>
#include <spikesweep/base/table.hpp>
#include <spikesweep/network/task.hpp>
#include <spikesweep/study/validation_text.hpp>
#include <spikesweep/surrogate/usefulness.hpp>

namespace spikesweep {

namespace {

using nlohmann::ordered_json;

/// A run's name for people: "mean_transition" becomes "mean transition".
std::string readable_run(std::string name) {
  std::replace(name.begin(), name.end(), '_', ' ');
  return name;
}

/// The names of the runs as heads of columns: the noise floor is the distance between two exact runs.
std::string column_of(const std::string& run) {
  return run == "exact_repeat" ? "noise floor" : readable_run(run);
}

int runaways(const validation_result& result) {
  return static_cast<int>(std::ranges::count_if(result.points, &point_result::runaway));
}

/// Points without figures, since an exact run came to more pending kicks than can be followed.
int exact_runaways(const validation_result& result) {
  return static_cast<int>(std::ranges::count_if(result.points, [](const point_result& point) {
    return std::ranges::any_of(point.runs, [](const run_result& run) {
      return run.run.starts_with("exact") && run.batches_E.batches.empty();
    });
  }));
}

/// "median (worst)"; a dash if nothing was measured.
std::string error_text(const error_row& row) {
  return std::isfinite(row.median) ? fmt::format("{:.2f} ({:.2f})", row.median, row.worst) : "-";
}

void print_errors(const validation_result& result, std::ostream& out) {
  const std::vector<error_row> errors = error_table(result);
  if (errors.empty()) {
    return;
  }
  std::vector<std::string> runs;
  std::vector<std::pair<std::string, std::string>> quantities;
  for (const error_row& row : errors) {
    if (std::find(runs.begin(), runs.end(), row.run) == runs.end()) {
      runs.push_back(row.run);
    }
    const std::pair quantity(row.quantity, row.unit);
    if (std::find(quantities.begin(), quantities.end(), quantity) == quantities.end()) {
      quantities.push_back(quantity);
    }
  }
  std::vector<std::string> header{"median (worst) error", "unit"};
  for (const std::string& run : runs) {
    header.push_back(column_of(run));
  }
  text_table table(header);
  for (const auto& [quantity, unit] : quantities) {
    std::vector<std::string> cells{quantity, unit};
    for (const std::string& run : runs) {
      const auto found = std::find_if(errors.begin(), errors.end(), [&, name = quantity](const error_row& row) {
        return row.run == run && row.quantity == name;
      });
      cells.push_back(found == errors.end() ? "-" : error_text(*found));
    }
    table.add_row(cells);
  }
  table.print(out);
}

void print_verdicts(const validation_result& result, std::ostream& out) {
  const std::vector<verdict_row> verdicts = verdict_table(result);
  const std::vector<error_row> noise = standard_error_table(result);
  std::vector<std::string> header{
      fmt::format("rates of {:g} s", std::min(result.settings.verdict_s, result.settings.duration_s)), "unit"};
  for (const verdict_row& row : verdicts) {
    header.push_back(column_of(row.run));
  }
  text_table table(header);
  for (const verdict v : {verdict::indistinguishable, verdict::within_tolerance, verdict::worse}) {
    std::vector<std::string> cells{v == verdict::within_tolerance ? "within 2 %" : name_of(v), "% of points"};
    for (const verdict_row& row : verdicts) {
      cells.push_back(std::isfinite(row.share(v)) ? fmt::format("{:.0f}", 100 * row.share(v)) : "-");
    }
    table.add_row(cells);
  }
  for (const std::string quantity : {"rate_E_hz", "rate_I_hz"}) {
    std::vector<std::string> cells{"standard error, " + quantity, "%"};
    for (const error_row& row : noise) {
      if (row.quantity == quantity) {
        cells.push_back(error_text(row));
      }
    }
    table.add_row(cells);
  }
  table.print(out);
}

std::string rates_text(double rate_E_hz, double rate_I_hz) {
  const auto text = [](double rate) { return std::isfinite(rate) ? fmt::format("{:.2f}", rate) : "-"; };
  return fmt::format("{} / {}", text(rate_E_hz), text(rate_I_hz));
}

void print_published(const validation_result& result, std::ostream& out) {
  if (result.published.empty()) {
    return;
  }
  std::vector<std::string> header{"E / I rate [Hz]"};
  for (const published_model& model : result.published.front().models) {
    header.push_back(model.model);
  }
  header.insert(header.end(), {"exact, here", "surrogate"});
  text_table table(header);
  for (const published_comparison& comparison : result.published) {
    std::vector<std::string> cells{comparison.preset};
    for (const published_model& model : comparison.models) {
      cells.push_back(rates_text(model.rate_E_hz, model.rate_I_hz));
    }
    for (const run_result& run : comparison.here.runs) {
      if (run.run == "exact" || run.run == "surrogate") {
        cells.push_back(rates_text(run.figures.rate_E(), run.figures.rate_I()));
      }
    }
    table.add_row(cells);
  }
  table.print(out);
  out << "published: " << result.published.front().source << '\n';
}

/// The output and level whose coverage is farthest from the level.
struct coverage_deviation {
  const output_calibration* output = nullptr;
  std::size_t level = 0;
};

coverage_deviation largest_deviation(const std::vector<output_calibration>& outputs) {
  coverage_deviation worst;
  double largest = -1;
  for (const output_calibration& output : outputs) {
    for (std::size_t k = 0; k < coverage_levels.size(); ++k) {
      if (const double off = std::abs(output.tally.coverage(k) - coverage_levels[k]); off > largest) {
        largest = off;
        worst = {&output, k};
      }
    }
  }
  return worst;
}

std::string output_name(const output_calibration& output) {
  return output.phase == phase_kind::step ? output.output : fmt::format("{}, {}", output.output, name_of(output.phase));
}

void print_calibration(const validation_result& result, std::ostream& out) {
  const coverage_deviation worst = largest_deviation(result.calibration);
  if (worst.output == nullptr) {
    return;
  }
  const pit_tally& tally = worst.output->tally;
  const double level = coverage_levels[worst.level];
  const double error = std::sqrt(level * (1 - level) / static_cast<double>(tally.rows));
  const auto biased = std::ranges::max_element(
      result.calibration, {}, [](const output_calibration& output) { return std::abs(output.tally.mean() - 0.5); });
  out << fmt::format(
      "law, one step: coverage farthest off is {:.1f} +- {:.1f} % for {:g} % ({}, {} unperturbed transitions); mean "
      "PIT "
      "{:.3f} +- {:.3f} for 0.5 ({})\n",
      100 * tally.coverage(worst.level), 100 * error, 100 * level, output_name(*worst.output), tally.rows,
      biased->tally.mean(), 1 / std::sqrt(12.0 * static_cast<double>(biased->tally.rows)), output_name(*biased));
}

/// How many spectral peaks are right.
std::string peak_text(const validation_result& result) {
  const figure& peak = figure_named("peak_hz");
  const auto measured = static_cast<std::size_t>(points_with(result, peak));
  if (measured == 0) {
    return "no spectral peak was measured";
  }
  return fmt::format("spectral peak within {} Hz at {:.3g} % of {}", peak.tolerance.value(),
                     100 * right_share(result, peak),
                     measured == result.points.size() ? "them" : fmt::format("the {} that have one", measured));
}

/// Whether the spectral peak of the exact run may not be the rhythm.
bool has_doubtful_peak(const point_result& point) {
  return static_cast<bool>(point.runs.front().figures.doubt);
}

void print_doubts(const validation_result& result, std::ostream& out) {
  if (const auto first = std::ranges::find_if(result.points, has_doubtful_peak); first != result.points.end()) {
    const run_figures& figures = first->runs.front().figures;
    out << fmt::format(
        "the spectral peak of the exact run is in doubt at {} of them; at point {}, {}; the keys peak_lowest_hz and "
        "peak_highest_hz choose another band\n",
        std::ranges::count_if(result.points, has_doubtful_peak), first->point,
        words_of(figures.doubt, figures["peak_hz"], result.settings.peak_band()));
  }
}

ordered_json verdicts_json(const verdict_row& row) {
  ordered_json object{{"run", row.run}};
  for (int v = 0; v < verdict_count; ++v) {
    object[name_of(static_cast<verdict>(v))] = row.points[static_cast<std::size_t>(v)];
  }
  return object;
}

/// A point with the rates, standard errors and verdicts of every run.
ordered_json point_json(const point_result& point, const frequency_band& band) {
  ordered_json runs = ordered_json::array();
  for (const run_result& run : point.runs) {
    const std::string doubt = words_of(run.figures.doubt, run.figures["peak_hz"], band);
    ordered_json object{{"run", run.run},
                        {"rate_E_hz", run.figures.rate_E()},
                        {"standard_error_E_hz", run.batches_E.standard_error()},
                        {"rate_I_hz", run.figures.rate_I()},
                        {"standard_error_I_hz", run.batches_I.standard_error()},
                        {"peak_doubt", doubt.empty() ? ordered_json() : ordered_json(doubt)}};
    if (run.run != "exact") {
      object["p_E"] = run.rate_E.p;
      object["p_I"] = run.rate_I.p;
      object["verdict"] = name_of(run.verdict());
    }
    runs.push_back(object);
  }
  return {{"point", point.point}, {"values", point.values}, {"runaway", point.runaway}, {"runs", runs}};
}

ordered_json published_json(const published_comparison& comparison, const frequency_band& band) {
  ordered_json models = ordered_json::array();
  for (const published_model& model : comparison.models) {
    models.push_back({{"model", model.model}, {"rate_E_hz", model.rate_E_hz}, {"rate_I_hz", model.rate_I_hz}});
  }
  return {{"preset", comparison.preset},
          {"source", comparison.source},
          {"published", models},
          {"here", point_json(comparison.here, band)}};
}

ordered_json calibration_json(const output_calibration& output) {
  std::vector<double> coverage;
  for (std::size_t k = 0; k < coverage_levels.size(); ++k) {
    coverage.push_back(output.tally.coverage(k));
  }
  return {{"phase", name_of(output.phase)}, {"output", output.output},         {"rows", output.tally.rows},
          {"coverage", coverage},           {"mean_pit", output.tally.mean()}, {"bias", output.tally.bias()}};
}

template <class Part, class Text>
ordered_json json_list(const std::vector<Part>& parts, Text text) {
  ordered_json list = ordered_json::array();
  for (const Part& part : parts) {
    list.push_back(text(part));
  }
  return list;
}

}  // namespace

void print_validation(const validation_result& result, std::ostream& out) {
  print_errors(result, out);
  print_verdicts(result, out);
  print_published(result, out);
  print_calibration(result, out);
  out << fmt::format("{} held-out points; {}; {} ran away\n", result.points.size(), peak_text(result),
                     runaways(result));
  print_doubts(result, out);
  if (const int beyond = exact_runaways(result); beyond > 0) {
    out << fmt::format(
        "no figures at {} of them: an exact run passed {} pending kicks, the most that can be followed\n", beyond,
        max_pending_limit);
  }
  out << words_of(usefulness_of(result)) << '\n';
}

std::string validation_json(const validation_result& result) {
  const auto errors = json_list(error_table(result), [](const error_row& row) {
    return ordered_json{
        {"run", row.run}, {"quantity", row.quantity}, {"unit", row.unit}, {"median", row.median}, {"worst", row.worst}};
  });
  const figure& peak = figure_named("peak_hz");
  const frequency_band band = result.settings.peak_band();
  return json_text({{"points", result.points.size()},
                    {"runaways", runaways(result)},
                    {"exact_runaways", exact_runaways(result)},
                    {"peak_tolerance_hz", peak.tolerance.value()},
                    {"peak_share", right_share(result, peak)},
                    {"peak_doubts", std::ranges::count_if(result.points, has_doubtful_peak)},
                    {"errors", errors},
                    {"verdict_s", std::min(result.settings.verdict_s, result.settings.duration_s)},
                    {"verdicts", json_list(verdict_table(result), verdicts_json)},
                    {"by_point", json_list(result.points, [&](const auto& p) { return point_json(p, band); })},
                    {"verdict", words_of(usefulness_of(result))},
                    {"published", json_list(result.published, [&](const auto& c) { return published_json(c, band); })},
                    {"calibration", json_list(result.calibration, calibration_json)}});
}

}  // namespace spikesweep
