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

/// How a learning-rate range test raises the rate: by the same factor from update to update.
struct range_test_settings {
  double lowest = 1e-7;  ///< Learning rate of the first update.
  double highest = 1;    ///< Of the last one, if the test gets there.
  int steps = 300;       ///< Updates from the lowest to the highest rate; at least 2.
};

/// One update of a range test.
struct range_test_step {
  std::int64_t step = 0;  ///< From 0.
  double learning_rate = 0;
  double counts = 0;    ///< Mean losses of both networks over the batch, before the update [nat].
  double profile = 0;   ///< Likewise.
  double smoothed = 0;  ///< Running mean of the sum of both [nat].
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
  /// Where the smoothed loss falls most steeply over the logarithm of the rate; none if it never falls.
  std::optional<double> suggestion;
  double best_rate = 0;  ///< Where the smoothed loss is lowest: training at such a rate is on the edge.
};

/// Learning-rate range test (Smith, Cyclical learning rates for training neural networks, WACV 2017, section 3.3):
/// trains from the first weights of `settings` at a rate that rises exponentially until the loss explodes. Settings
/// other than the learning rate and its schedule hold as they do in training. `m` needs its space and scales; its
/// networks are made here, and mean nothing afterwards. `progress` is called on every rank after an update; may be
/// empty. Collective; the same on every rank.
range_test_result run_range_test(const communicator& comm, const training_data& data, const learning_settings& settings,
                                 const range_test_settings& range, model& m,
                                 const std::function<void(const range_test_step&)>& progress = {});

/// The rate at which the smoothed loss falls most steeply, up to its lowest value; see range_test_result::suggestion.
std::optional<double> steepest_descent(const std::vector<range_test_step>& steps);

}  // namespace spikesweep
