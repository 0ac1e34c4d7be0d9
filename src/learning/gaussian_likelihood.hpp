#pragma once

#include <Eigen/Core>

namespace spikesweep {

/// A measured figure in the units that the regression computes in.
struct scaled_figure {
  Eigen::MatrixXd points;  ///< points x axes, in widths of the box
  Eigen::VectorXd values;
  Eigen::VectorXd noise;  ///< Variances.
};

/// What decides the covariance of measured values: signal exp(-1/2 sum_a relevance_a (x_a - x'_a)^2), and on the
/// diagonal noise + nugget more.
struct covariance_law {
  Eigen::VectorXd relevance;  ///< 1 / length^2 of each axis
  double signal = 0;
  double nugget = 0;
};

/// The logarithm of the likelihood at its maximum over the mean, and its derivatives.
struct profile_likelihood {
  double value = 0;  ///< -infinity if the covariance cannot be factored.
  double mean = 0;   ///< The best one: generalised least squares.
  Eigen::VectorXd by_relevance;
  double by_signal = 0;
  double by_nugget = 0;
};

/// Computes likelihoods of one figure, and keeps the memory from one call to the next.
class likelihood_computer {
 public:
  explicit likelihood_computer(const scaled_figure& figure);

  /// Derivatives are computed only if asked for: they take twice as long again.
  profile_likelihood operator()(const covariance_law& law, bool derivatives);

  // Of the last call.
  const Eigen::MatrixXd& factor() const { return factor_; }      ///< Lower Cholesky factor; above it, undefined.
  const Eigen::VectorXd& weights() const { return weights_; }    ///< Inverse covariance x (values - mean)
  const Eigen::VectorXd& row_sums() const { return row_sums_; }  ///< Inverse covariance x (1, ..., 1)

 private:
  void correlate(const Eigen::VectorXd& relevance);
  void differentiate(const covariance_law& law, profile_likelihood& out);

  const scaled_figure& figure_;
  Eigen::MatrixXd correlations_;  ///< Lower half.
  Eigen::MatrixXd factor_;
  Eigen::MatrixXd inverse_factor_;
  Eigen::MatrixXd inverse_;  ///< Lower half.
  Eigen::VectorXd weights_;
  Eigen::VectorXd row_sums_;
};

/// Correlations exp(-1/2 sum_a relevance_a (x_a - x'_a)^2) of one point with the points first, ..., last - 1 of many.
void correlate_point(const Eigen::MatrixXd& points, Eigen::Index first, const Eigen::VectorXd& relevance,
                     const Eigen::Ref<const Eigen::VectorXd>& point, Eigen::Ref<Eigen::VectorXd> out);

/// Replaces the lower half of a square matrix by its inverse as a lower triangular matrix. The upper half is neither
/// read nor written.
void invert_lower_triangle(Eigen::Ref<Eigen::MatrixXd> matrix);

}  // namespace spikesweep
