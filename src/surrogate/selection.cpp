#include <algorithm>
#include <cmath>
#include <limits>

#include <spikesweep/surrogate/closed_loop_rates.hpp>
#include <spikesweep/surrogate/selection.hpp>

namespace spikesweep {

namespace {

/// A point's error counts at most this much, so that one runaway does not hide the rest.
constexpr double largest_error = 2;

}  // namespace

std::function<closed_loop_score(const model&)> closed_loop_selection(const communicator& comm,
                                                                     std::vector<measured_point> points,
                                                                     const learning_settings& settings) {
  return [comm, points = std::move(points), settings](const model& m) {
    const rate_settings loop{settings.selection_s, settings.selection_chains, settings.seed};
    if (points.empty()) {
      constexpr double unknown = std::numeric_limits<double>::quiet_NaN();
      return closed_loop_score{unknown, unknown};
    }
    closed_loop_score score;
    for (const rate_ratios& ratio : closed_loop_ratios(comm, predictor(m), points, loop)) {
      const auto n = static_cast<double>(points.size());
      score.error_E += std::min(std::abs(ratio.E - 1), largest_error) / n;
      score.error_I += std::min(std::abs(ratio.I - 1), largest_error) / n;
    }
    return score;
  };
}

}  // namespace spikesweep
