#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
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
constexpr double largest_log_error = 0.1;

/// The highest degree, up to `highest`, whose polynomial has enough points; -1 if not even a constant has.
int degree_for(std::size_t points, int axes, int highest) {
  int degree = highest;
  while (degree >= 0 && points < static_cast<std::size_t>(points_per_term * polynomial_basis(axes, degree).terms())) {
    --degree;
  }
  return degree;
}

double rate_of(const measured_point& point, std::size_t q) {
  return q == 0 ? point.rate_E_hz : point.rate_I_hz;
}

/// At how many points the populations fire: E, I.
std::array<std::size_t, 2> firing_at(const std::vector<measured_point>& points) {
  std::array<std::size_t, 2> counts{};
  for (std::size_t q = 0; q < 2; ++q) {
    counts[q] = static_cast<std::size_t>(
        std::ranges::count_if(points, [q](const measured_point& point) { return rate_of(point, q) > 0; }));
  }
  return counts;
}

/// Whether a population fires at enough points to be tuned.
bool can_be_tuned(std::size_t firing, int axes) {
  return degree_for(firing, axes, 1) >= 1;
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
        firing_(firing_at(points)),
        tuned_{can_be_tuned(firing_[0], axes_), can_be_tuned(firing_[1], axes_)},
        surface_(axes_, std::max(0, degree_for(fewest(), axes_, highest_surface_degree))) {
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
        weight_ = {tuned_[0] ? 1 / error_E : 0, tuned_[1] ? 1 / error_I : 0};
        shift.degree = choose_degree(errors);
        shift.coefficients.assign(static_cast<std::size_t>(polynomial_basis(axes_, shift.degree).terms() * axes_), 0.0);
      } else if (sum_of_tuned(error_E, error_I) < sum_of_tuned(record.after_E, record.after_I)) {
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

  /// Whether a point counts for a population.
  bool counts(std::size_t point, std::size_t q) const { return tuned_[q] && rate_of(points_[point], q) > 0; }

  /// Points that count for the population that has fewest.
  std::size_t fewest() const {
    return std::min(tuned_[0] ? firing_[0] : points_.size(), tuned_[1] ? firing_[1] : points_.size());
  }

  double sum_of_tuned(double E, double I) const { return (tuned_[0] ? E : 0) + (tuned_[1] ? I : 0); }

  /// Logarithms of the exact rates as polynomials of the scaled axes.
  void fit_surface() {
    const int n = surface_.terms();
    for (std::size_t q = 0; q < 2; ++q) {
      Eigen::MatrixXd normal = Eigen::MatrixXd::Zero(n, n);
      Eigen::VectorXd right = Eigen::VectorXd::Zero(n);
      for (std::size_t i = 0; i < points_.size(); ++i) {
        if (!counts(i, q)) {
          continue;
        }
        const std::vector<double> terms = surface_.at(scaled_[i]);
        const Eigen::Map<const Eigen::VectorXd> row(terms.data(), n);
        normal += row * row.transpose();
        right += std::log(rate_of(points_[i], q)) * row;
      }
      if (tuned_[q]) {
        log_rate_[q] = solve(normal, right, surface_ridge);
      }
    }
  }

  static log_errors log_errors_of(const std::vector<rate_ratios>& ratios) {
    log_errors errors;
    for (const rate_ratios& ratio : ratios) {
      const auto error = [](double r) {
        return r > 0 ? std::clamp(std::log(r), -largest_log_error, largest_log_error) : -largest_log_error;
      };
      errors.push_back({error(ratio.E), error(ratio.I)});
    }
    return errors;
  }

  std::array<double, 2> root_mean_squares(const log_errors& errors) const {
    std::array<double, 2> roots{};
    for (std::size_t q = 0; q < 2; ++q) {
      double sum = 0;
      for (std::size_t i = 0; i < errors.size(); ++i) {
        sum += counts(i, q) ? errors[i][q] * errors[i][q] : 0;
      }
      roots[q] =
          tuned_[q] ? std::sqrt(sum / static_cast<double>(firing_[q])) : std::numeric_limits<double>::quiet_NaN();
    }
    return roots;
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
        if (!counts(i, q)) {
          continue;
        }
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
    const std::size_t rates = (tuned_[0] ? firing_[0] : 0) + (tuned_[1] ? firing_[1] : 0);
    const int combinations = std::min(axes_, (tuned_[0] ? 1 : 0) + (tuned_[1] ? 1 : 0));
    for (int degree = 0; degree <= degree_for(fewest(), axes_, highest_shift_degree); ++degree) {
      const polynomial_basis basis(axes_, degree);
      const double free = static_cast<double>(rates) - combinations * basis.terms();
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
  std::array<std::size_t, 2> firing_;  ///< Points at which E and I fire.
  std::array<bool, 2> tuned_;          ///< Of E and I.
  polynomial_basis surface_;
  std::vector<std::vector<double>> scaled_;  ///< Of each point.
  std::array<Eigen::VectorXd, 2> log_rate_;  ///< E, I: coefficients.
  std::array<double, 2> weight_{};           ///< Of the errors of either rate: so that both count alike.
};

}  // namespace

double tuning_time_s(std::size_t axes, std::size_t points, double seconds) {
  if (axes == 0 || !can_be_tuned(points, static_cast<int>(axes))) {
    return 0;
  }
  return (rounds + 1) * loop_time_s(points, {seconds, chains_per_point});
}

tuning_record fit_shift(const transition_space& space, const std::vector<measured_point>& points,
                        const measure_rates& measure, input_shift& shift) {
  shift = {};
  const auto axes = static_cast<int>(space.axes.size());
  const auto firing = firing_at(points);
  if (space.axes.empty() || (!can_be_tuned(firing[0], axes) && !can_be_tuned(firing[1], axes))) {
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
