#include "bounded_maximum.hpp"

#include <algorithm>
#include <cmath>
#include <exception>
#include <limits>
#include <memory>
#include <new>
#include <vector>

#include <Eigen/Eigenvalues>
#include <nlopt.h>

#include <spikesweep/base/error.hpp>

namespace spikesweep {

namespace {

struct nlopt_deleter {
  void operator()(nlopt_opt optimiser) const { nlopt_destroy(optimiser); }
};

/// What NLopt hands back at each evaluation.
struct climb_state {
  const smooth_function& function;
  nlopt_opt optimiser;
  found_maximum best;
  std::exception_ptr failure;  ///< An exception may not pass through C code.
};

double evaluate_for_nlopt(unsigned n, const double* at, double* gradient, void* data) {
  auto& state = *static_cast<climb_state*>(data);
  try {
    const auto size = static_cast<Eigen::Index>(n);
    const Eigen::VectorXd place = Eigen::Map<const Eigen::VectorXd>(at, size);
    Eigen::VectorXd slope = Eigen::VectorXd::Zero(size);
    const double value = state.function(place, gradient != nullptr ? &slope : nullptr);
    if (gradient != nullptr) {
      Eigen::Map<Eigen::VectorXd>(gradient, size) = slope;
    }
    if (value > state.best.value) {
      state.best.value = value;
      state.best.at = place;
    }
    return value;
  } catch (...) {
    state.failure = std::current_exception();
    nlopt_force_stop(state.optimiser);
    return 0;
  }
}

void check_accepted(nlopt_result result) {
  if (result < 0) {
    throw internal_error("NLopt refuses a setting of the search for a maximum");
  }
}

/// Indices of the variables that may move: not those at a bound that the slope pushes against.
std::vector<Eigen::Index> free_variables(const search_box& box, const Eigen::VectorXd& at,
                                         const Eigen::VectorXd& slope) {
  std::vector<Eigen::Index> out;
  for (Eigen::Index i = 0; i < at.size(); ++i) {
    const bool held = (at(i) <= box.lower(i) && slope(i) <= 0) || (at(i) >= box.upper(i) && slope(i) >= 0);
    if (!held) {
      out.push_back(i);
    }
  }
  return out;
}

/// Second derivatives with respect to the free variables.
Eigen::MatrixXd curvature(const smooth_function& function, const search_box& box, const Eigen::VectorXd& at,
                          const Eigen::VectorXd& slope, const std::vector<Eigen::Index>& free) {
  // The truncation error is about this share of the curvature; so each Newton step shrinks the distance to the maximum
  // to about this share.
  constexpr double difference = 1e-4;
  const auto n = static_cast<Eigen::Index>(free.size());
  Eigen::MatrixXd out(n, n);
  Eigen::VectorXd beside(at.size());
  for (Eigen::Index j = 0; j < n; ++j) {
    const Eigen::Index moved = free[static_cast<std::size_t>(j)];
    Eigen::VectorXd place = at;
    place(moved) += at(moved) + difference <= box.upper(moved) ? difference : -difference;
    function(place, &beside);
    out.col(j) = (beside - slope)(free) / (place(moved) - at(moved));
  }
  return 0.5 * (out + out.transpose());
}

/// The Newton step uphill. Where the function is not concave, or almost flat, the step is that of a concave one.
Eigen::VectorXd newton_step(const Eigen::MatrixXd& second, const Eigen::VectorXd& slope) {
  constexpr double flat = 1e-12;  // Share of the largest curvature.
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(second);
  const Eigen::VectorXd curvatures = solver.eigenvalues().cwiseAbs();
  const double least = std::max(flat * curvatures.maxCoeff(), std::numeric_limits<double>::min());
  const Eigen::VectorXd along = solver.eigenvectors().transpose() * slope;
  return solver.eigenvectors() * along.cwiseQuotient(curvatures.cwiseMax(least));
}

}  // namespace

found_maximum climb(const smooth_function& function, const search_box& box, const Eigen::VectorXd& start,
                    double tolerance, int evaluations) {
  const auto n = static_cast<unsigned>(start.size());
  const std::unique_ptr<nlopt_opt_s, nlopt_deleter> optimiser(nlopt_create(NLOPT_LD_SLSQP, n));
  if (!optimiser) {
    throw std::bad_alloc();
  }
  climb_state state{function, optimiser.get(), {start, -std::numeric_limits<double>::infinity(), 0}, nullptr};
  check_accepted(nlopt_set_lower_bounds(optimiser.get(), box.lower.data()));
  check_accepted(nlopt_set_upper_bounds(optimiser.get(), box.upper.data()));
  check_accepted(nlopt_set_max_objective(optimiser.get(), evaluate_for_nlopt, &state));
  check_accepted(nlopt_set_ftol_abs(optimiser.get(), tolerance));
  check_accepted(nlopt_set_maxeval(optimiser.get(), evaluations));
  Eigen::VectorXd at = start.cwiseMax(box.lower).cwiseMin(box.upper);
  double value = 0;
  // Its verdict does not matter: the best place that it has seen is what counts.
  nlopt_optimize(optimiser.get(), at.data(), &value);
  if (state.failure) {
    std::rethrow_exception(state.failure);
  }
  return state.best;
}

found_maximum polish_maximum(const smooth_function& function, const search_box& box, const found_maximum& start) {
  constexpr int most_rounds = 12;
  constexpr int most_steps = 8;     // With one matrix of second derivatives.
  constexpr double close = 1e-10;   // In units of the variables, which are logarithms.
  constexpr double settled = 1e-6;  // From here on, steps that do not shrink are rounding.
  constexpr double longest = 1;     // A longer step leaves the region that second derivatives describe.
  constexpr double worth = 0.1;     // A step that does not shrink to this share needs new second derivatives.
  found_maximum best = start;
  Eigen::VectorXd slope(start.at.size());
  best.value = function(best.at, &slope);
  best.last_step = std::numeric_limits<double>::infinity();
  if (!std::isfinite(best.value)) {
    return best;
  }
  double reach = longest;
  for (int round = 0; round < most_rounds; ++round) {
    const auto free = free_variables(box, best.at, slope);
    if (free.empty()) {
      best.last_step = 0;
      return best;
    }
    const Eigen::MatrixXd second = curvature(function, box, best.at, slope, free);
    double before = std::numeric_limits<double>::infinity();
    bool moved = false;
    for (int i = 0; i < most_steps; ++i) {
      if (free_variables(box, best.at, slope) != free) {
        break;
      }
      Eigen::VectorXd step = newton_step(second, slope(free));
      const double length = step.cwiseAbs().maxCoeff();
      step *= std::min(1.0, reach / length);
      Eigen::VectorXd place = best.at;
      place(free) += step;
      place = place.cwiseMax(box.lower).cwiseMin(box.upper);
      const double taken = (place - best.at).cwiseAbs().maxCoeff();
      if (taken <= close) {
        best.last_step = taken;
        return best;
      }
      if (taken > worth * before) {
        if (before < settled) {
          return best;
        }
        break;
      }
      Eigen::VectorXd next(slope.size());
      const double value = function(place, &next);
      // Close to the maximum the value no longer tells places apart.
      const double slack = 1e-9 * (1 + std::abs(best.value));
      if (!(value >= best.value - (taken < 1e-3 ? slack : 0.0))) {
        reach = 0.25 * taken;
        break;
      }
      best = {place, value, taken};
      slope = next;
      before = taken;
      moved = true;
      reach = longest;
    }
    if (!moved && reach < close) {
      break;
    }
  }
  return best;
}

}  // namespace spikesweep
