#include <algorithm>
#include <cmath>
#include <limits>

#include <spikesweep/surrogate/validation.hpp>

namespace spikesweep {

namespace {

double median(std::vector<double> values) {
  std::erase_if(values, [](double x) { return !std::isfinite(x); });
  if (values.empty()) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  std::ranges::sort(values);
  const std::size_t n = values.size();
  return n % 2 == 1 ? values[n / 2] : 0.5 * (values[n / 2 - 1] + values[n / 2]);
}

/// Median and largest of the finite ones among some errors; NaN if there is none.
error_row row_of(const std::string& run, const std::string& quantity, const std::string& unit,
                 const std::vector<double>& errors) {
  error_row row{run, quantity, unit, median(errors), std::numeric_limits<double>::quiet_NaN()};
  for (const double e : errors) {
    row.worst = std::isfinite(e) ? std::fmax(row.worst, e) : row.worst;
  }
  return row;
}

/// The median of the absolute value of a normal number, in its standard deviations.
constexpr double median_of_normal = 0.6744897501960817;

/// A standard error as a share of the exact rate [%]; of silence, only one of 0 is.
double in_percent(double standard_error, double exact) {
  if (exact == 0) {
    return standard_error == 0 ? 0 : std::numeric_limits<double>::quiet_NaN();
  }
  return 100 * standard_error / exact;
}

}  // namespace

std::vector<error_row> error_table(const validation_result& result) {
  std::vector<error_row> table;
  if (result.points.empty()) {
    return table;
  }
  const std::size_t runs = result.points.front().runs.size();
  for (const figure& f : compared_figures()) {
    std::vector<double> errors;
    for (const auto& point : result.points) {
      const run_result& exact = point.runs.front();
      errors.push_back(median_of_normal * f.error_of(exact.figures[f], exact.errors[f]));
    }
    if (const error_row row = row_of(one_exact_run, f.name, f.error_unit(), errors); std::isfinite(row.median)) {
      table.push_back(row);
    }
  }
  for (std::size_t k = 1; k < runs; ++k) {
    for (const figure& f : compared_figures()) {
      std::vector<double> errors;
      for (const auto& point : result.points) {
        errors.push_back(f.error(point.runs[k].figures[f], point.runs[0].figures[f]));
      }
      const error_row row = row_of(result.points.front().runs[k].run, f.name, f.error_unit(), errors);
      if (std::isfinite(row.median)) {
        table.push_back(row);
      }
    }
  }
  return table;
}

int points_with(const validation_result& result, const figure& f) {
  return static_cast<int>(std::ranges::count_if(
      result.points, [&f](const point_result& point) { return std::isfinite(point.runs.front().figures[f]); }));
}

double right_share(const validation_result& result, const figure& f) {
  const int measured = points_with(result, f);
  double within = 0;
  for (const auto& point : result.points) {
    for (const auto& run : point.runs) {
      if (run.run == "surrogate") {
        within += f.error(run.figures[f], point.runs.front().figures[f]) <= f.tolerance.value() ? 1 : 0;
      }
    }
  }
  return measured > 0 ? within / measured : std::numeric_limits<double>::quiet_NaN();
}

std::vector<error_row> standard_error_table(const validation_result& result) {
  std::vector<error_row> table;
  const std::size_t runs = result.points.empty() ? 0 : result.points.front().runs.size();
  for (std::size_t k = 1; k < runs; ++k) {
    for (const auto& [quantity, member] :
         {std::pair{"rate_E_hz", &run_result::batches_E}, std::pair{"rate_I_hz", &run_result::batches_I}}) {
      std::vector<double> errors;
      for (const auto& point : result.points) {
        errors.push_back(in_percent((point.runs[k].*member).standard_error(), (point.runs[0].*member).mean()));
      }
      table.push_back(row_of(result.points.front().runs[k].run, quantity, "%", errors));
    }
  }
  return table;
}

double verdict_row::share(verdict v) const {
  const auto at = [this](verdict w) { return points[static_cast<std::size_t>(w)]; };
  return at(v) /
         static_cast<double>(at(verdict::indistinguishable) + at(verdict::within_tolerance) + at(verdict::worse));
}

std::vector<verdict_row> verdict_table(const validation_result& result) {
  std::vector<verdict_row> table;
  const std::size_t runs = result.points.empty() ? 0 : result.points.front().runs.size();
  for (std::size_t k = 1; k < runs; ++k) {
    verdict_row row;
    row.run = result.points.front().runs[k].run;
    for (const auto& point : result.points) {
      ++row.points[static_cast<std::size_t>(point.runs[k].verdict())];
    }
    table.push_back(row);
  }
  return table;
}

}  // namespace spikesweep
