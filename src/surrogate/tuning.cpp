#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include <Eigen/Cholesky>
#include <Eigen/Core>

#include <spikesweep/surrogate/closed_loop_rates.hpp>
#include <spikesweep/surrogate/tuning.hpp>

namespace spikesweep {

namespace {

constexpr int rounds = 4;
constexpr int chains_per_point = 4;
/// Points for each coefficient of a polynomial.
constexpr int points_per_term = 3;
constexpr int highest_shift_degree = 3;
constexpr int highest_noise_degree = 2;
/// A degree of freedom counts as so many: plain cross-validation now and then takes too many (Kim & Gu 2004, J. R.
/// Statist. Soc. B 66, 337).
constexpr double caution = 1.4;
/// Of the normal equations' mean diagonal.
constexpr double first_ridge = 1e-3;
constexpr double response_ridge = 1e-6;
/// The ridge grows by this factor when a step made things worse.
constexpr double ridge_factor = 30;
/// An error beyond this counts as if it were this: a chain that strayed says little [scales of the error].
constexpr double most_scales = 8;
/// How often what no shift can mend is estimated anew.
constexpr int discrepancy_rounds = 5;
/// The logarithm of the scale of the noise with which the response of the figures is measured.
constexpr double probe = 0.1;

/// The highest degree, up to `highest`, whose polynomial has enough points; -1 if not even a constant has.
int degree_for(std::size_t points, int axes, int highest) {
  int degree = highest;
  while (degree >= 0 && points < static_cast<std::size_t>(points_per_term * polynomial_basis(axes, degree).terms())) {
    --degree;
  }
  return degree;
}

/// Whether a figure is known at enough points to be tuned.
bool can_be_tuned(std::size_t points, int axes) {
  return axes > 0 && degree_for(points, axes, 1) >= 1;
}

Eigen::VectorXd solve(Eigen::MatrixXd normal, const Eigen::VectorXd& right, double ridge) {
  normal.diagonal().array() += ridge * normal.diagonal().mean();
  return normal.ldlt().solve(right);
}

/// A difference of tuned numbers in the unit in which errors of the figure are told.
double in_error_unit(const figure& f, double difference) {
  return tuned_as_ratio(f) ? f.error_of(1, difference) : difference;
}

class tuner {
 public:
  tuner(const transition_space& space, const tuning_target& target, const measure_figures_of& measure)
      : target_(target), measure_(measure), axes_(static_cast<int>(space.axes.size())) {
    for (const auto& values : target.points) {
      scaled_.push_back(scaled_axes(space, values));
    }
    for (Eigen::Index f = 0; f < target.wanted.cols(); ++f) {
      if (can_be_tuned(known(f), axes_)) {
        tuned_.push_back(f);
      }
    }
  }

  std::vector<tuning_record> run(input_shift& best) {
    if (tuned_.empty()) {
      return {};
    }
    Eigen::MatrixXd errors = errors_of({});
    find_scales(errors);
    if (tuned_.empty()) {
      return {};
    }
    find_response(errors);
    const unknowns of = find_discrepancies(errors);
    input_shift from;
    from.degree = of.degree;
    std::vector<tuning_record> record;
    for (const Eigen::Index f : tuned_) {
      const double before = told(f, errors);
      record.push_back({target_.figures[static_cast<std::size_t>(f)], before, before});
    }
    double lowest = score(errors);
    double ridge = first_ridge;
    from.coefficients.assign(static_cast<std::size_t>(of.basis.terms() * axes_), 0.0);
    from.log_noise.assign(static_cast<std::size_t>(of.basis.terms()), 0.0);
    for (int round = 0; round < rounds; ++round) {
      input_shift tried = from;
      add(step(of, errors, ridge).change, tried);
      Eigen::MatrixXd left = errors_of(tried);
      const double found = score(left);
      if (!(found < lowest)) {
        ridge *= ridge_factor;
        continue;
      }
      lowest = found;
      errors = std::move(left);
      best = from = std::move(tried);
      for (std::size_t i = 0; i < tuned_.size(); ++i) {
        record[i].after = told(tuned_[i], errors);
      }
    }
    return record;
  }

 private:
  /// Coefficients that tuning may change: a polynomial for each axis, and one of no higher degree for the noise.
  struct unknowns {
    unknowns(int axes, int shift_degree, int noise_degree)
        : degree(shift_degree), basis(axes, shift_degree), noise_terms(polynomial_basis(axes, noise_degree).terms()) {}

    Eigen::Index count(int axes) const { return Eigen::Index{basis.terms()} * axes + noise_terms; }

    int degree;
    polynomial_basis basis;
    int noise_terms;  ///< The first ones of the basis.
  };

  /// At how many points a figure has a target.
  std::size_t known(Eigen::Index f) const {
    return static_cast<std::size_t>(target_.wanted.col(f).array().isFinite().count());
  }

  /// Tuned numbers beyond their targets: points x figures; NaN where there is no target. Where the surrogate's figure
  /// is undefined, as far off as can be.
  Eigen::MatrixXd errors_of(const input_shift& shift) const {
    const Eigen::MatrixXd found = measure_(shift);
    Eigen::MatrixXd errors(found.rows(), found.cols());
    for (Eigen::Index f = 0; f < found.cols(); ++f) {
      for (Eigen::Index i = 0; i < found.rows(); ++i) {
        const double number = tuned_number(target_.figures[static_cast<std::size_t>(f)], found(i, f));
        errors(i, f) = std::isnan(number) && std::isfinite(target_.wanted(i, f))
                           ? std::numeric_limits<double>::infinity()
                           : number - target_.wanted(i, f);
      }
    }
    return errors;
  }

  /// In what each error counts at first: its uncertainty or, where that is unknown, the median of the absolute errors
  /// of its figure. A figure without error is not tuned.
  void find_scales(const Eigen::MatrixXd& errors) {
    scale_ = Eigen::MatrixXd::Zero(errors.rows(), errors.cols());
    std::vector<Eigen::Index> kept;
    for (const Eigen::Index f : tuned_) {
      std::vector<double> sizes;
      for (const double e : errors.col(f)) {
        if (!std::isnan(e)) {
          sizes.push_back(std::abs(e));
        }
      }
      const auto middle = sizes.begin() + static_cast<std::ptrdiff_t>(sizes.size() / 2);
      std::ranges::nth_element(sizes, middle);
      for (Eigen::Index i = 0; i < errors.rows(); ++i) {
        const double known =
            target_.uncertain.size() > 0 ? target_.uncertain(i, f) : std::numeric_limits<double>::quiet_NaN();
        scale_(i, f) = known > 0 && std::isfinite(known) ? known : *middle;
      }
      if (*middle > 0 && scale_.col(f).allFinite() && scale_.col(f).minCoeff() > 0) {
        kept.push_back(f);
      }
    }
    tuned_ = std::move(kept);
    if (target_.uncertain.size() > 0) {
      uncertain_ = scale_;
    }
  }

  /// In scales, held within bounds.
  double weighted(Eigen::Index i, Eigen::Index f, double error) const {
    return std::clamp(error / scale_(i, f), -most_scales, most_scales);
  }

  /// Over the points of a figure, of what counts of its errors: in scales, or in tuned numbers.
  double mean_square(Eigen::Index f, const Eigen::MatrixXd& errors, bool in_scales) const {
    double sum = 0;
    for (Eigen::Index i = 0; i < errors.rows(); ++i) {
      if (!std::isnan(errors(i, f))) {
        const double counts = weighted(i, f, errors(i, f)) * (in_scales ? 1 : scale_(i, f));
        sum += counts * counts;
      }
    }
    return sum / static_cast<double>(known(f));
  }

  double score(const Eigen::MatrixXd& errors) const {
    double sum = 0;
    for (const Eigen::Index f : tuned_) {
      sum += mean_square(f, errors, true);
    }
    return sum;
  }

  /// The root mean square of the errors of a figure, for people.
  double told(Eigen::Index f, const Eigen::MatrixXd& errors) const {
    return in_error_unit(target_.figures[static_cast<std::size_t>(f)], std::sqrt(mean_square(f, errors, false)));
  }

  /// How the errors change with the logarithm of the scale of the noise: a linear polynomial of the axes, fitted to
  /// what one run with more noise shows.
  void find_response(const Eigen::MatrixXd& errors) {
    input_shift more;
    more.coefficients.assign(static_cast<std::size_t>(axes_), 0.0);
    more.log_noise = {probe};
    const Eigen::MatrixXd changes = errors_of(more) - errors;
    const polynomial_basis linear(axes_, 1);
    response_ = Eigen::MatrixXd::Zero(errors.rows(), errors.cols());
    for (const Eigen::Index f : tuned_) {
      Eigen::MatrixXd normal = Eigen::MatrixXd::Zero(linear.terms(), linear.terms());
      Eigen::VectorXd right = Eigen::VectorXd::Zero(linear.terms());
      for (Eigen::Index i = 0; i < changes.rows(); ++i) {
        if (std::isfinite(changes(i, f))) {
          const Eigen::VectorXd row = terms_at(linear, i);
          normal += row * row.transpose();
          right += std::clamp(changes(i, f), -most_scales * scale_(i, f), most_scales * scale_(i, f)) * row;
        }
      }
      if (normal(0, 0) > 0) {
        const Eigen::VectorXd found = solve(normal, right, response_ridge);
        for (Eigen::Index i = 0; i < changes.rows(); ++i) {
          response_(i, f) = terms_at(linear, i).dot(found) / probe;
        }
      }
    }
  }

  Eigen::VectorXd terms_at(const polynomial_basis& basis, Eigen::Index point) const {
    const std::vector<double> terms = basis.at(scaled_[static_cast<std::size_t>(point)]);
    return Eigen::Map<const Eigen::VectorXd>(terms.data(), static_cast<Eigen::Index>(terms.size()));
  }

  struct gauss_newton {
    Eigen::VectorXd change;  ///< Of the unknowns: terms x axes, then those of the noise.
    double left = 0;         ///< Sum of squares of the weighted errors that it leaves, to first order.
  };

  /// What the errors change by for each unknown at a point [tuned number].
  Eigen::VectorXd slopes_at(const unknowns& of, Eigen::Index i, Eigen::Index f) const {
    const Eigen::VectorXd terms = terms_at(of.basis, i);
    const Eigen::VectorXd by_axis = target_.slopes[static_cast<std::size_t>(f)].row(i).transpose();
    Eigen::VectorXd row(of.count(axes_));
    for (Eigen::Index t = 0; t < terms.size(); ++t) {
      row.segment(t * axes_, axes_) = terms(t) * by_axis;
    }
    row.tail(of.noise_terms) = response_(i, f) * terms.head(of.noise_terms);
    return row;
  }

  /// What takes the errors away, to first order.
  gauss_newton step(const unknowns& of, const Eigen::MatrixXd& errors, double ridge) const {
    const Eigen::Index n = of.count(axes_);
    Eigen::MatrixXd normal = Eigen::MatrixXd::Zero(n, n);
    Eigen::VectorXd right = Eigen::VectorXd::Zero(n);
    double squares = 0;
    for (const Eigen::Index f : tuned_) {
      for (Eigen::Index i = 0; i < errors.rows(); ++i) {
        if (!std::isfinite(errors(i, f))) {
          continue;  // No target, or no figure of the surrogate: nothing says which way is better.
        }
        const Eigen::VectorXd row = slopes_at(of, i, f) / scale_(i, f);
        const double error = weighted(i, f, errors(i, f));
        normal.selfadjointView<Eigen::Lower>().rankUpdate(row);
        right -= error * row;
        squares += error * error;
      }
    }
    normal.triangularView<Eigen::StrictlyUpper>() = normal.transpose();
    gauss_newton out{solve(normal, right, ridge), 0};
    out.left = squares - 2 * out.change.dot(right) + out.change.dot(normal * out.change);
    return out;
  }

  /// Finds the unknowns, and for each figure how large the errors are that they cannot mend: these count as
  /// uncertainties, so that a figure which the law cannot have does not spoil those that it can. Where the
  /// uncertainties of a figure are unknown, nothing tells them apart.
  unknowns find_discrepancies(const Eigen::MatrixXd& errors) {
    unknowns of = choose_unknowns(errors);
    for (int round = 0; round < discrepancy_rounds && uncertain_.size() > 0; ++round) {
      const Eigen::VectorXd change = step(of, errors, first_ridge).change;
      for (const Eigen::Index f : tuned_) {
        double beyond = 0;
        double points = 0;
        for (Eigen::Index i = 0; i < errors.rows(); ++i) {
          if (std::isfinite(errors(i, f))) {
            const double left = scale_(i, f) * weighted(i, f, errors(i, f)) + slopes_at(of, i, f).dot(change);
            beyond += left * left - uncertain_(i, f) * uncertain_(i, f);
            ++points;
          }
        }
        const double discrepancy = points > 0 ? std::sqrt(std::max(0.0, beyond / points)) : 0;
        for (Eigen::Index i = 0; i < errors.rows(); ++i) {
          scale_(i, f) = std::hypot(uncertain_(i, f), discrepancy);
        }
      }
      of = choose_unknowns(errors);
    }
    return of;
  }

  void add(const Eigen::VectorXd& change, input_shift& to) const {
    for (std::size_t k = 0; k < to.coefficients.size(); ++k) {
      to.coefficients[k] += change(static_cast<Eigen::Index>(k));
    }
    const auto first = static_cast<Eigen::Index>(to.coefficients.size());
    for (Eigen::Index t = first; t < change.size(); ++t) {
      to.log_noise[static_cast<std::size_t>(t - first)] += change(t);
    }
  }

  /// Those of the smallest generalised cross-validation (Golub, Heath & Wahba 1979, Technometrics 21, 215): the squares
  /// left, over the square of the degrees of freedom left. So many figures see as many combinations of the axes.
  unknowns choose_unknowns(const Eigen::MatrixXd& errors) const {
    std::size_t numbers = 0;
    std::size_t fewest = std::numeric_limits<std::size_t>::max();
    for (const Eigen::Index f : tuned_) {
      numbers += known(f);
      fewest = std::min(fewest, known(f));
    }
    const int combinations = std::min(axes_, static_cast<int>(tuned_.size()));
    unknowns best(axes_, 0, 0);
    double lowest = std::numeric_limits<double>::infinity();
    for (int degree = 0; degree <= degree_for(fewest, axes_, highest_shift_degree); ++degree) {
      for (int of_noise = 0; of_noise <= std::min(degree, highest_noise_degree); ++of_noise) {
        const unknowns tried(axes_, degree, of_noise);
        const double spent = combinations * tried.basis.terms() + tried.noise_terms;
        const double free = static_cast<double>(numbers) - caution * spent;
        const double found = step(tried, errors, first_ridge).left / (free * free);
        if (found < lowest) {
          best = tried;
          lowest = found;
        }
      }
    }
    return best;
  }

  const tuning_target& target_;
  const measure_figures_of& measure_;
  int axes_;
  std::vector<Eigen::Index> tuned_;          ///< Columns of the target.
  std::vector<std::vector<double>> scaled_;  ///< Of each point.
  Eigen::MatrixXd uncertain_;                ///< points x figures: what errors may be by chance; empty: unknown.
  Eigen::MatrixXd scale_;                    ///< points x figures: in what errors count.
  Eigen::MatrixXd response_;                 ///< points x figures: change of the errors by the logarithm of the noise.
};

}  // namespace

double tuning_time_s(std::size_t axes, std::size_t points, double seconds) {
  if (!can_be_tuned(points, static_cast<int>(axes))) {
    return 0;
  }
  return (rounds + 2) * loop_time_s(points, {seconds, chains_per_point});
}

std::vector<tuning_record> fit_shift(const transition_space& space, const tuning_target& target,
                                     const measure_figures_of& measure, input_shift& shift) {
  shift = {};
  return tuner(space, target, measure).run(shift);
}

std::vector<tuning_record> tune_figures(const communicator& comm, double seconds, const std::function<bool()>& stop,
                                        model& m) {
  const tuning_target target = target_of(m.space, m.emulator);
  std::vector<loop_point> points;
  for (const auto& values : target.points) {
    points.push_back({values, static_cast<std::uint32_t>(points.size())});
  }
  model_member trial = m.surrogate();
  const rate_settings loop{seconds, chains_per_point, trial.seed};
  return fit_shift(
      m.space, target,
      [&](const input_shift& shift) {
        trial.shift = shift;
        return closed_loop_figures(comm, predictor(member_view(m, trial)), points, target.figures, loop, stop);
      },
      m.surrogate().shift);
}

}  // namespace spikesweep
