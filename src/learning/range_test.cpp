#include <algorithm>
#include <cmath>
#include <limits>

#include <spikesweep/learning/gradient_sum.hpp>
#include <spikesweep/learning/range_test.hpp>
#include <spikesweep/learning/trainer.hpp>

namespace spikesweep {

namespace {

/// Weight of the past in the running mean of the loss. The mean covers about ten updates; with the default settings the
/// rate rises by a quarter of a decade in this time.
constexpr double smoothing = 0.9;
/// The loss has exploded when it exceeds its best value by this share of the loss of the first weights. A multiple of
/// the best loss would have no meaning, because losses are logarithms of densities and may be negative. The losses of
/// batches differ by a few hundredths of the first loss. The share is not larger because gradients are clipped, and so
/// the loss of a small network does not rise much further.
constexpr double explosion = 0.5;
/// The slope at an update is measured from this many updates before it to as many after it.
constexpr std::size_t slope_reach = 5;

}  // namespace

std::optional<double> steepest_descent(const std::vector<range_test_step>& steps) {
  const auto lowest = std::ranges::min_element(steps, {}, &range_test_step::smoothed);
  const auto end = static_cast<std::size_t>(lowest - steps.begin());
  double steepest = 0;
  std::optional<double> rate;
  for (std::size_t i = slope_reach; i + slope_reach <= end; ++i) {
    // Every update multiplies the rate by the same factor, so a difference over a fixed number of updates is a slope.
    const double fall = steps[i - slope_reach].smoothed - steps[i + slope_reach].smoothed;
    if (fall > steepest) {
      steepest = fall;
      rate = steps[i].learning_rate;
    }
  }
  return rate;
}

range_test_result run_range_test(const communicator& comm, const training_data& data, const learning_settings& settings,
                                 const range_test_settings& range, model& m,
                                 const std::function<void(const range_test_step&)>& progress) {
  prepare_networks(m, settings);
  training_options options;
  options.settings = settings;
  options.rate = [&](std::int64_t step) {
    return range.lowest * std::pow(range.highest / range.lowest, static_cast<double>(step) / (range.steps - 1));
  };
  range_test_result result;
  double past = 0;    // Weighted sum of the losses so far.
  double weight = 0;  // Sum of their weights.
  double best = std::numeric_limits<double>::infinity();
  const auto go_on = [&](const step_record& done) {
    past = smoothing * past + done.counts + done.profile;
    weight = smoothing * weight + 1;
    result.steps.push_back(
        {static_cast<std::int64_t>(result.steps.size()), done.learning_rate, done.counts, done.profile, past / weight});
    const range_test_step& now = result.steps.back();
    if (progress) {
      progress(now);
    }
    if (now.smoothed < best) {
      best = now.smoothed;
      result.best_rate = now.learning_rate;
    }
    if (now.smoothed > best + explosion * std::abs(result.steps.front().smoothed)) {
      result.end = range_test_end::exploded;
      return false;
    }
    return now.step + 1 < range.steps;
  };
  try {
    train_steps(comm, data, options, m, go_on);
  } catch (const divergence_error&) {  // Every rank throws it.
    result.end = range_test_end::not_finite;
  }
  result.suggestion = steepest_descent(result.steps);
  return result;
}

}  // namespace spikesweep
