#include <algorithm>
#include <cmath>
#include <optional>

#include <fmt/format.h>

#include <spikesweep/surrogate/usefulness.hpp>

namespace spikesweep {

namespace {

/// With fewer test points a median says little.
constexpr std::size_t fewest_points = 3;
/// Two exact runs of one network differ by more than this times their median error hardly ever.
constexpr double noise_margin = 1.5;
/// A surrogate of which more than this share of the points ran away is not to be used.
constexpr double most_runaways = 0.05;

using grade = usefulness::grade_type;

std::optional<double> median_of(const std::vector<error_row>& table, const std::string& run, const figure& f) {
  const auto row =
      std::ranges::find_if(table, [&](const error_row& r) { return r.run == run && r.quantity == f.name; });
  return row == table.end() ? std::nullopt : std::optional(row->median);
}

struct judged_figure {
  std::reference_wrapper<const figure> of;
  double error = 0;
  double bound = 0;         ///< Of a useful error.
  bool few_points = false;  ///< The regression of the figure is not of use either.

  double excess() const { return error / bound; }
};

bool is_rate(const figure& f) {
  return f.name == "rate_E_hz" || f.name == "rate_I_hz";
}

std::string advice_for(const judged_figure& worst, bool ran_away) {
  if (worst.few_points) {
    return "try more points (design.points), or narrower ranges: a regression of the figure itself is wrong by more "
           "than is of use, too";
  }
  return ran_away ? "try more training on perturbed states (sweep.perturb_share), or more points (design.points)"
                  : "try longer training (learning.epochs, learning.hidden), or longer tasks (sweep.transitions)";
}

}  // namespace

usefulness usefulness_of(const validation_result& result) {
  usefulness out;
  if (result.points.size() < fewest_points) {
    out.reason = fmt::format("{} test point{} cannot tell", result.points.size(), result.points.size() == 1 ? "" : "s");
    out.advice = "try design.test_points = 12";
    return out;
  }
  const std::vector<error_row> table = error_table(result);
  std::vector<judged_figure> useless;
  for (const figure& f : compared_figures()) {
    const auto error = median_of(table, "surrogate", f);
    if (!f.useful || points_with(result, f) == 0) {
      continue;
    }
    const double noise = median_of(table, "exact_repeat", f).value_or(0);
    judged_figure judged{f, error.value_or(INFINITY), std::max(*f.useful, noise_margin * noise), false};
    if (judged.error <= judged.bound) {
      out.useful.push_back(f.name);
      continue;
    }
    const auto regression = median_of(table, emulator_run, f);
    judged.few_points = regression && *regression > judged.bound;
    useless.push_back(judged);
  }
  std::ranges::stable_sort(useless, std::greater{}, &judged_figure::excess);
  for (const judged_figure& judged : useless) {
    out.useless.push_back(judged.of.get().name);
  }
  const auto ran_away = static_cast<double>(std::ranges::count_if(result.points, &point_result::runaway)) /
                        static_cast<double>(result.points.size());
  const bool strays = ran_away > most_runaways;
  const bool wrong_rate = std::ranges::any_of(useless, [](const judged_figure& j) { return is_rate(j.of); });
  out.grade = strays || wrong_rate ? grade::bad : useless.empty() ? grade::good : grade::partly;
  if (useless.empty()) {
    out.reason = strays ? fmt::format("it ran away at {:.0f} % of the test points", 100 * ran_away) : "";
    out.advice = strays ? advice_for({compared_figures().front(), 0, 1, false}, true) : "";
    return out;
  }
  const judged_figure& worst = useless.front();
  const std::string unit = worst.of.get().error_unit();
  out.reason = std::isfinite(worst.error) ? fmt::format("{} is wrong by {:.2g} {} (median; {:.2g} is of use)",
                                                        worst.of.get().name, worst.error, unit, worst.bound)
                                          : fmt::format("{} is undefined", worst.of.get().name);
  if (strays) {
    out.reason += fmt::format(", and it ran away at {:.0f} % of the test points", 100 * ran_away);
  }
  out.advice = advice_for(worst, strays);
  return out;
}

std::string words_of(const usefulness& verdict) {
  switch (verdict.grade) {
    case grade::good:
      return fmt::format("verdict: good for {}", fmt::join(verdict.useful, ", "));
    case grade::partly:
      return fmt::format("verdict: usable for {}; not for {}: {}; {}", fmt::join(verdict.useful, ", "),
                         fmt::join(verdict.useless, ", "), verdict.reason, verdict.advice);
    case grade::bad:
      return fmt::format("verdict: not to be used: {}; {}", verdict.reason, verdict.advice);
    case grade::unknown:
      return fmt::format("verdict: not known: {}; {}", verdict.reason, verdict.advice);
  }
  return "";
}

}  // namespace spikesweep
