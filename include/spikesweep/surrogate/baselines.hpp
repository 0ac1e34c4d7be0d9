#pragma once

#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <spikesweep/store/sweep_file.hpp>
#include <spikesweep/surrogate/closed_loop.hpp>
#include <spikesweep/surrogate/kernel.hpp>

namespace spikesweep {

/// Simple predictors to compare a surrogate with. Each is a kernel that runs in the same closed loop.
///
/// - mean_transition: every phase is the mean phase of its kind over the training rows, at any state and point.
/// - nearest_neighbour: the transition of a training row whose state is near, at the nearest training point.
/// - linear_regression: ridge regression of counts, duration and cell shares on the model's own features.
///
/// Counts are rounded at random to whole numbers of the right mean; populations are conserved as in the surrogate.
struct baseline {
  std::string name;
  kernel step;
};

/// In the order in which make_baselines() gives them.
inline constexpr std::array<std::string_view, 3> baseline_names{"mean_transition", "nearest_neighbour",
                                                                "linear_regression"};

/// Builds all three from the training rows of a sweep file; the model gives space and features. The kernels refer to
/// both, which have to outlive them. Rank-local. Throws input_error if the file does not hold the model's space, and
/// interrupted_error if `stop` says so, now or when a kernel runs.
std::vector<baseline> make_baselines(const model& m, const sweep_reader& file, const stop_check& stop = {});

}  // namespace spikesweep
