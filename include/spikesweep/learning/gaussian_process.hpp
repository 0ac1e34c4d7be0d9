#pragma once

#include <functional>
#include <string>
#include <utility>

#include <Eigen/Core>

namespace spikesweep {

struct covariance_law;
class likelihood_computer;
struct scaled_figure;

/// One figure, measured at points of a box.
struct measured_figure {
  Eigen::MatrixXd points;  ///< points x axes, in the units of the axes; points may be equal.
  Eigen::VectorXd values;  ///< One for each point, in the unit of the figure.
  Eigen::VectorXd noise;   ///< Variance of each value about the figure that an endless run would have; above 0.
};

/// The law that a regression found. Two figures at points x and x' have the covariance
/// signal exp(-1/2 sum_a ((x_a - x'_a) / length_a)^2), and each measured value has the variance noise + nugget more.
struct process_law {
  Eigen::VectorXd lengths;    ///< One for each axis, in its unit; infinite: the axis has no effect.
  double signal = 0;          ///< In the squared unit of the figure; 0: the figure is the same everywhere.
  double nugget = 0;          ///< Likewise: noise that the measured values have beyond the known one.
  double mean = 0;            ///< Far from all points, by generalised least squares.
  double log_likelihood = 0;  ///< Of the measured values, at its maximum.
  /// The last step of Newton's method towards the maximum, in units of the logarithms that the search goes through:
  /// how exactly the maximum was reached.
  double last_step = 0;
};

/// Values with their errors.
struct estimated_figure {
  Eigen::VectorXd values;
  Eigen::VectorXd standard_errors;
};

/// Gaussian-process regression of one figure over the axes of a box (Rasmussen and Williams, Gaussian Processes for
/// Machine Learning, 2006, chapters 2 and 5): squared-exponential covariance with one length for each axis, an unknown
/// constant mean, the known noise of each value, and a nugget. Lengths, signal and nugget maximise the likelihood, in
/// which the mean is the best one for them. The bits of the result depend on the data and on the kind of processor
/// alone. It uses one core. Time and memory grow with the third and the second power of the number of points.
class gaussian_process {
 public:
  /// More points than this are refused: they would take hours and gigabytes.
  static constexpr Eigen::Index most_points = 10'000;
  /// Noise below this share of the variance of the values counts as this share: double precision tells no less.
  static constexpr double least_noise = 1e-9;

  /// Fits the law. `lower` and `upper` are the bounds of the box: lengths are searched between 1/20 of its width and
  /// infinity, the signal up to 10^4 times the variance of the values, and the nugget up to 10 times this variance.
  /// Throws input_error if sizes do not fit, a number is not finite, a variance of noise is not above 0, or there are
  /// fewer than two different points. `name` is what messages call the figure. Throws interrupted_error if `stop`,
  /// which is called at each likelihood, says so.
  gaussian_process(const measured_figure& figure, const Eigen::Ref<const Eigen::VectorXd>& lower,
                   const Eigen::Ref<const Eigen::VectorXd>& upper, const std::string& name = "the figure",
                   const std::function<bool()>& stop = {});

  /// The same figure under a law that was fitted to it before; only its mean and its likelihood are computed anew.
  /// Throws input_error also if the law cannot be one of this figure.
  gaussian_process(const measured_figure& figure, const Eigen::Ref<const Eigen::VectorXd>& lower,
                   const Eigen::Ref<const Eigen::VectorXd>& upper, const process_law& law,
                   const std::string& name = "the figure");

  const process_law& law() const { return law_; }

  /// The figure at any points (points x axes), without noise and nugget; the error of the mean is part of the standard
  /// errors. Outside the box too: far away, values approach the mean. Throws input_error as the constructor does.
  estimated_figure predict(const Eigen::Ref<const Eigen::MatrixXd>& points) const;

  /// Each measured value, predicted from all other ones under the same law: value - prediction in `values`, and in
  /// `standard_errors` what this difference is expected to be, noise and nugget of the value included. The mean is
  /// estimated anew without the value (Dubrule, Mathematical Geology 15, 687, 1983).
  estimated_figure leave_one_out() const;

 private:
  /// Sets the box, the scale and the points. What remains is what the likelihood is computed of, and the middle of the
  /// values, in their unit.
  std::pair<scaled_figure, double> take(const measured_figure& figure, const Eigen::Ref<const Eigen::VectorXd>& upper);
  /// Sets everything else.
  void settle(const covariance_law& law, likelihood_computer& likelihood, double middle);
  Eigen::MatrixXd scaled(const Eigen::Ref<const Eigen::MatrixXd>& points) const;

  std::string name_;
  Eigen::VectorXd lower_;      ///< Of the box.
  Eigen::VectorXd width_;      ///< Of the box.
  double scale_ = 1;           ///< Values are in units of this from here on.
  Eigen::MatrixXd points_;     ///< In widths of the box.
  Eigen::VectorXd relevance_;  ///< 1 / length^2 of each axis, in widths of the box.
  double signal_ = 0;
  double mean_ = 0;
  Eigen::MatrixXd factor_;    ///< Lower Cholesky factor of the covariance of the measured values.
  Eigen::VectorXd weights_;   ///< Inverse covariance x (values - mean).
  Eigen::VectorXd row_sums_;  ///< Inverse covariance x (1, ..., 1).
  process_law law_;
};

}  // namespace spikesweep
