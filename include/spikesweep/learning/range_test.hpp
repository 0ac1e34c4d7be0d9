#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include <spikesweep/learning/model.hpp>
#include <spikesweep/learning/settings.hpp>
#include <spikesweep/learning/training_data.hpp>
#include <spikesweep/parallel/communicator.hpp>

namespace spikesweep {

/// How a learning-rate range test raises the rate: every update multiplies it by the same factor.
struct range_test_settings {
  double lowest = 1e-7;  ///< Learning rate of the first update.
  double highest = 1;    ///< Learning rate of the last update, if the test reaches it.
  int steps = 300;       ///< Number of updates from the lowest to the highest rate; at least 2.
};

/// One update of a range test.
struct range_test_step {
  std::int64_t step = 0;  ///< Counted from 0.
  double learning_rate = 0;
  double counts = 0;    ///< Mean loss of the counts' network over the batch, before the update [nat].
  double profile = 0;   ///< Mean loss of the profile's network over the batch, before the update [nat].
  double smoothed = 0;  ///< Running mean of the sum of both losses [nat].
};

/// Why a range test ended.
enum class range_test_end {
  highest_rate,  ///< All updates were done, and the loss did not explode.
  exploded,      ///< The smoothed loss rose above its best value by half the loss of the first weights.
  not_finite     ///< A gradient was no longer finite.
};

constexpr std::string_view name_of(range_test_end end) {
  switch (end) {
    case range_test_end::exploded:
      return "exploded";
    case range_test_end::not_finite:
      return "not_finite";
    case range_test_end::highest_rate:
      break;
  }
  return "highest_rate";
}

struct range_test_result {
  std::vector<range_test_step> steps;
  range_test_end end = range_test_end::highest_rate;
  /// The rate at which the smoothed loss falls most steeply over the logarithm of the rate; none if it never falls.
  std::optional<double> suggestion;
  double best_rate = 0;  ///< The rate at which the smoothed loss is lowest. Training at this rate may diverge.
};

/// Learning-rate range test (Smith, Cyclical learning rates for training neural networks, WACV 2017, section 3.3):
/// trains from the first weights of `settings` at a rate that rises exponentially until the loss explodes. All settings
/// but the learning rate and its schedule are those of training. `m` needs its space and its scales. The test makes its
/// networks, and leaves weights in them that are of no use. `progress` is called on every rank after an update; it may
/// be empty. Collective; the same on every rank.
range_test_result run_range_test(const communicator& comm, const training_data& data, const learning_settings& settings,
                                 const range_test_settings& range, model& m,
                                 const std::function<void(const range_test_step&)>& progress = {});

/// The rate at which the smoothed loss falls most steeply, up to its lowest value; see range_test_result::suggestion.
std::optional<double> steepest_descent(const std::vector<range_test_step>& steps);

}  // namespace spikesweep
