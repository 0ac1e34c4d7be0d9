#pragma once

#include <functional>

#include "gaussian_likelihood.hpp"

namespace spikesweep {

struct found_law {
  covariance_law law;
  double last_step = 0;  ///< As process_law has it.
};

/// The covariance law that maximises the likelihood of a figure, whose points are in widths of the box and whose values
/// have about the variance 1. The signal is 0 if no law with a signal is better than one without. `poll` is called at
/// each likelihood, and may throw to give up.
found_law find_law(const scaled_figure& figure, likelihood_computer& likelihood, const std::function<void()>& poll);

}  // namespace spikesweep
