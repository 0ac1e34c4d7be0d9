#pragma once

#include <functional>

#include <Eigen/Core>

namespace spikesweep {

/// A smooth function, and its gradient where a place for it is given. -infinity: not defined there.
using smooth_function = std::function<double(const Eigen::VectorXd& at, Eigen::VectorXd* gradient)>;

/// A box that a maximum is searched in.
struct search_box {
  Eigen::VectorXd lower;
  Eigen::VectorXd upper;
};

struct found_maximum {
  Eigen::VectorXd at;
  double value = 0;
  double last_step = 0;  ///< The largest part of the last Newton step; of polish_maximum().
};

/// Climbs from `start` to a local maximum within the box, by sequential quadratic programming (NLopt's SLSQP). Ends
/// when a step changes the value by less than `tolerance`, or after `evaluations`.
found_maximum climb(const smooth_function& function, const search_box& box, const Eigen::VectorXd& start,
                    double tolerance, int evaluations);

/// Goes on from a place near a maximum by Newton's method, until a step is below 1e-10 or rounding ends the progress.
/// Second derivatives are differences of gradients. What lies at a bound, and would leave the box, stays there.
found_maximum polish_maximum(const smooth_function& function, const search_box& box, const found_maximum& start);

}  // namespace spikesweep
