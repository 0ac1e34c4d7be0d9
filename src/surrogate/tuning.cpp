#include <algorithm>
#include <array>
#include <cmath>
#include <span>

#include <Eigen/Cholesky>
#include <Eigen/Core>

#include <spikesweep/surrogate/closed_loop_rates.hpp>
#include <spikesweep/surrogate/tuning.hpp>

namespace spikesweep {

namespace {

constexpr int rounds = 2;
constexpr int chains_per_point = 4;
/// Points for each coefficient of a polynomial.
constexpr int points_per_term = 3;
constexpr int highest_surface_degree = 3;
constexpr int highest_shift_degree = 3;
/// Of the normal equations' mean diagonal.
constexpr double surface_ridge = 1e-9;
constexpr double shift_ridge = 1e-3;
/// A log rate off by more than this counts as if it were off by as much: a chain that strayed says little.
constexpr double largest_error = 0.1;

/// The highest degree, up to `highest`, whose polynomial has enough points; -1 if not even a constant has.
int degree_for(std::size_t points, int axes, int highest) {
  int degree = highest;
  while (degree >= 0 && points < static_cast<std::size_t>(points_per_term * polynomial_basis(axes, degree).terms())) {
    --degree;
  }
  return degree;
}

/// For a linear fit.
bool enough_points(std::size_t points, std::size_t axes) {
  return axes > 0 && degree_for(points, static_cast<int>(axes), 1) == 1;
}

Eigen::VectorXd solve(Eigen::MatrixXd normal, const Eigen::VectorXd& right, double ridge) {
  normal.diagonal().array() += ridge * normal.diagonal().mean();
  return normal.ldlt().solve(right);
}

class tuner {
 public:
  tuner(const transition_space& space, const std::vector<measured_point>& points, const measure_rates& measure)
      : points_(points),
        measure_(measure),
        axes_(static_cast<int>(space.axes.size())),
        surface_(axes_, std::max(0, degree_for(points.size(), axes_, highest_surface_degree))) {
    for (const measured_point& point : points) {
      scaled_.push_back(scaled_axes(space, point.values));
    }
  }

  tuning_record run(input_shift& best) {
    fit_surface();
    input_shift shift;
    tuning_record record;
    for (int round = 0; round <= rounds; ++round) {
      const auto errors = log_errors_of(measure_(shift));
      const auto [error_E, error_I] = root_mean_squares(errors);
      if (round == 0) {
        record = {error_E, error_I, error_E, error_I};
        if (error_E == 0 || error_I == 0) {
          break;  // Nothing to tune.
        }
        weight_ = {1 / error_E, 1 / error_I};
        shift.degree = choose_degree(errors);
        shift.coefficients.assign(static_cast<std::size_t>(polynomial_basis(axes_, shift.degree).terms() * axes_), 0.0);
      } else if (error_E + error_I < record.after_E + record.after_I) {
        record.after_E = error_E;
        record.after_I = error_I;
        best = shift;
      }
      if (round < rounds) {
        const Eigen::VectorXd change = step(polynomial_basis(axes_, shift.degree), errors).change;
        for (std::size_t k = 0; k < shift.coefficients.size(); ++k) {
          shift.coefficients[k] += change[static_cast<Eigen::Index>(k)];
        }
      }
    }
    return record;
  }

 private:
  using log_errors = std::vector<std::array<double, 2>>;

  /// Logarithms of the exact rates as polynomials of the scaled axes.
  void fit_surface() {
    const int n = surface_.terms();
    Eigen::MatrixXd normal = Eigen::MatrixXd::Zero(n, n);
    std::array<Eigen::VectorXd, 2> right{Eigen::VectorXd::Zero(n), Eigen::VectorXd::Zero(n)};
    for (std::size_t i = 0; i < points_.size(); ++i) {
      const std::vector<double> terms = surface_.at(scaled_[i]);
      const Eigen::Map<const Eigen::VectorXd> row(terms.data(), n);
      normal += row * row.transpose();
      right[0] += std::log(points_[i].rate_E_hz) * row;
      right[1] += std::log(points_[i].rate_I_hz) * row;
    }
    for (std::size_t q = 0; q < 2; ++q) {
      log_rate_[q] = solve(normal, right[q], surface_ridge);
    }
  }

  static log_errors log_errors_of(const std::vector<rate_ratios>& ratios) {
    log_errors errors;
    for (const rate_ratios& ratio : ratios) {
      const auto error = [](double r) {
        return r > 0 ? std::clamp(std::log(r), -largest_error, largest_error) : -largest_error;
      };
      errors.push_back({error(ratio.E), error(ratio.I)});
    }
    return errors;
  }

  static std::array<double, 2> root_mean_squares(const log_errors& errors) {
    std::array<double, 2> sums{};
    for (const auto& error : errors) {
      sums[0] += error[0] * error[0];
      sums[1] += error[1] * error[1];
    }
    const auto n = static_cast<double>(errors.size());
    return {std::sqrt(sums[0] / n), std::sqrt(sums[1] / n)};
  }

  struct gauss_newton_step {
    Eigen::VectorXd change;  ///< terms x axes
    double left = 0;         ///< Weighted sum of squares of the errors that it leaves, to first order.
  };

  /// What takes the errors away, to first order.
  gauss_newton_step step(const polynomial_basis& basis, const log_errors& errors) const {
    const int unknowns = basis.terms() * axes_;
    Eigen::MatrixXd normal = Eigen::MatrixXd::Zero(unknowns, unknowns);
    Eigen::VectorXd right = Eigen::VectorXd::Zero(unknowns);
    Eigen::VectorXd row(unknowns);
    double squares = 0;
    for (std::size_t i = 0; i < points_.size(); ++i) {
      const std::vector<double> terms = basis.at(scaled_[i]);
      for (std::size_t q = 0; q < 2; ++q) {
        for (int a = 0; a < axes_; ++a) {
          const std::vector<double> slopes = surface_.slope(scaled_[i], a);
          const double slope = Eigen::Map<const Eigen::VectorXd>(slopes.data(), surface_.terms()).dot(log_rate_[q]);
          for (int t = 0; t < basis.terms(); ++t) {
            row[t * axes_ + a] = weight_[q] * slope * terms[static_cast<std::size_t>(t)];
          }
        }
        const double error = weight_[q] * errors[i][q];
        normal += row * row.transpose();
        right -= error * row;
        squares += error * error;
      }
    }
    gauss_newton_step out{solve(normal, right, shift_ridge), 0};
    out.left = squares - 2 * out.change.dot(right) + out.change.dot(normal * out.change);
    return out;
  }

  /// The degree of the smallest generalised cross-validation (Golub, Heath & Wahba 1979, Technometrics 21, 215): the
  /// squares left, over the square of the degrees of freedom left. Two rates see two combinations of the axes.
  int choose_degree(const log_errors& errors) const {
    int best = 0;
    double lowest = 0;
    for (int degree = 0; degree <= degree_for(points_.size(), axes_, highest_shift_degree); ++degree) {
      const polynomial_basis basis(axes_, degree);
      const double free = 2.0 * static_cast<double>(points_.size()) - std::min(axes_, 2) * basis.terms();
      const double score = step(basis, errors).left / (free * free);
      if (degree == 0 || score < lowest) {
        best = degree;
        lowest = score;
      }
    }
    return best;
  }

  const std::vector<measured_point>& points_;
  const measure_rates& measure_;
  int axes_;
  polynomial_basis surface_;
  std::vector<std::vector<double>> scaled_;  ///< Of each point.
  std::array<Eigen::VectorXd, 2> log_rate_;  ///< E, I: coefficients.
  std::array<double, 2> weight_{};           ///< Of the errors of either rate: so that both count alike.
};

}  // namespace

double tuning_time_s(std::size_t axes, std::size_t points, double seconds) {
  if (!enough_points(points, axes)) {
    return 0;
  }
  return (rounds + 1) * loop_time_s(points, {seconds, chains_per_point});
}

tuning_record fit_shift(const transition_space& space, const std::vector<measured_point>& points,
                        const measure_rates& measure, input_shift& shift) {
  shift = {};
  if (!enough_points(points.size(), space.axes.size())) {
    return {};
  }
  return tuner(space, points, measure).run(shift);
}

tuning_record tune_rates(const communicator& comm, const std::vector<measured_point>& points, double seconds,
                         const std::function<bool()>& stop, model& m) {
  model_member trial = m.surrogate();
  const rate_settings loop{seconds, chains_per_point, trial.seed};
  return fit_shift(
      m.space, points,
      [&](const input_shift& shift) {
        trial.shift = shift;
        return closed_loop_ratios(comm, predictor(member_view(m, trial)), points, loop, stop);
      },
      m.surrogate().shift);
}

}  // namespace spikesweep
