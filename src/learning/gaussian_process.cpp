#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/learning/gaussian_process.hpp>

#include "gaussian_likelihood.hpp"
#include "process_search.hpp"

namespace spikesweep {

namespace {

/// Points that are predicted together.
constexpr Eigen::Index prediction_block = 256;

void check_regression_size(const std::string& name, const char* what, Eigen::Index found, Eigen::Index wanted) {
  if (found != wanted) {
    throw input_error(
        fmt::format("cannot fit a regression of {}: it has {} {}, and {} are needed", name, found, what, wanted));
  }
}

void check_figure(const measured_figure& figure, const Eigen::VectorXd& lower, const Eigen::VectorXd& width,
                  const std::string& name) {
  const Eigen::Index n = figure.points.rows();
  const Eigen::Index axes = figure.points.cols();
  check_regression_size(name, "values", figure.values.size(), n);
  check_regression_size(name, "variances of noise", figure.noise.size(), n);
  check_regression_size(name, "lower bounds of axes", lower.size(), axes);
  check_regression_size(name, "upper bounds of axes", width.size(), axes);
  for (Eigen::Index a = 0; a < axes; ++a) {
    if (!std::isfinite(lower(a)) || !(width(a) > 0) || !std::isfinite(width(a))) {
      throw input_error(fmt::format(
          "cannot fit a regression of {}: axis {} has the range {} to {}; the upper bound must be above the lower one",
          name, a + 1, lower(a), lower(a) + width(a)));
    }
  }
  if (n > gaussian_process::most_points) {
    throw input_error(fmt::format("cannot fit a regression of {} at {} points: at most {} are allowed; leave some out",
                                  name, n, gaussian_process::most_points));
  }
  for (Eigen::Index i = 0; i < n; ++i) {
    if (!figure.points.row(i).allFinite() || !std::isfinite(figure.values(i))) {
      throw input_error(
          fmt::format("cannot fit a regression of {}: point {} of {} has a coordinate or a value that is "
                      "not a finite number (value {}); leave this point out",
                      name, i + 1, n, figure.values(i)));
    }
    if (!std::isfinite(figure.noise(i)) || !(figure.noise(i) > 0)) {
      throw input_error(
          fmt::format("cannot fit a regression of {}: the noise of point {} of {} has the variance {}; it "
                      "must be a finite number above 0",
                      name, i + 1, n, figure.noise(i)));
    }
  }
  const bool all_equal = n == 0 || ((figure.points.rowwise() - figure.points.row(0)).array() == 0).all();
  if (all_equal) {
    throw input_error(
        fmt::format("cannot fit a regression of {} over {} at the same place: at least 2 different points are needed",
                    name, n == 1 ? "1 point" : fmt::format("{} points", n)));
  }
}

/// What values are counted from, and in which unit.
struct value_scale {
  double middle = 0;
  double unit = 1;
};

/// The mean and the standard deviation of the values; values with much more noise than most ones have less weight.
/// Where noise is larger than this deviation, the unit is the least noise.
value_scale scale_of_values(const measured_figure& figure, const std::string& name) {
  std::vector<double> sorted(figure.noise.data(), figure.noise.data() + figure.noise.size());
  const auto median = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
  std::nth_element(sorted.begin(), median, sorted.end());
  const Eigen::ArrayXd weights = *median / (figure.noise.array() + *median);
  const auto average = [&](const Eigen::ArrayXd& x) { return (weights * x).sum() / weights.sum(); };
  value_scale out;
  out.middle = average(figure.values);
  const Eigen::ArrayXd away = figure.values.array() - out.middle;
  const double largest = away.abs().maxCoeff();
  // Divided before squared, so that no square overflows.
  const double spread = largest > 0 ? largest * std::sqrt(average((away / largest).square())) : 0;
  out.unit = std::max(spread, std::sqrt(figure.noise.minCoeff()));
  constexpr double least = 1e-140;  // Squares of units have to be normal numbers.
  constexpr double most = 1e140;
  if (!(out.unit > least && out.unit < most)) {
    throw input_error(
        fmt::format("cannot fit a regression of {}: its values scatter by {}; give them in a unit in which "
                    "this is between {} and {}",
                    name, out.unit, least, most));
  }
  return out;
}

}  // namespace

std::pair<scaled_figure, double> gaussian_process::take(const measured_figure& figure,
                                                        const Eigen::Ref<const Eigen::VectorXd>& upper) {
  check_regression_size(name_, "upper bounds of axes", upper.size(), lower_.size());
  width_ = upper - lower_;
  check_figure(figure, lower_, width_, name_);
  const auto [middle, unit] = scale_of_values(figure, name_);
  scale_ = unit;
  points_ = scaled(figure.points);
  scaled_figure in_units;
  in_units.points = points_;
  in_units.values = (figure.values.array() - middle) / scale_;
  in_units.noise = (figure.noise.array().sqrt() / scale_).square().max(least_noise);
  return {std::move(in_units), middle};
}

void gaussian_process::settle(const covariance_law& law, likelihood_computer& likelihood, double middle) {
  const profile_likelihood at_law = likelihood(law, false);
  if (!std::isfinite(at_law.value)) {
    throw input_error(
        fmt::format("cannot fit a regression of {}: its covariance is singular; some noise is too small beside other "
                    "noise",
                    name_));
  }
  relevance_ = law.relevance;
  signal_ = law.signal;
  mean_ = at_law.mean + middle / scale_;
  factor_ = likelihood.factor();
  weights_ = likelihood.weights();
  row_sums_ = likelihood.row_sums();

  const double square = scale_ * scale_;
  law_.lengths = width_.array() / relevance_.array().sqrt();
  law_.signal = signal_ * square;
  law_.nugget = law.nugget * square;
  law_.mean = mean_ * scale_;
  law_.log_likelihood = at_law.value - static_cast<double>(points_.rows()) * std::log(scale_);
}

gaussian_process::gaussian_process(const measured_figure& figure, const Eigen::Ref<const Eigen::VectorXd>& lower,
                                   const Eigen::Ref<const Eigen::VectorXd>& upper, const std::string& name,
                                   const std::function<bool()>& stop)
    : name_(name), lower_(lower) {
  const auto [in_units, middle] = take(figure, upper);
  likelihood_computer likelihood(in_units);
  const found_law found = find_law(in_units, likelihood, [&] {
    if (stop && stop()) {
      throw interrupted_error(fmt::format("interrupted in the regression of {}; the same command goes on", name));
    }
  });
  settle(found.law, likelihood, middle);
  law_.last_step = found.last_step;
}

gaussian_process::gaussian_process(const measured_figure& figure, const Eigen::Ref<const Eigen::VectorXd>& lower,
                                   const Eigen::Ref<const Eigen::VectorXd>& upper, const process_law& law,
                                   const std::string& name)
    : name_(name), lower_(lower) {
  const auto [in_units, middle] = take(figure, upper);
  check_regression_size(name, "lengths", law.lengths.size(), lower_.size());
  const auto is_variance = [](double x) { return std::isfinite(x) && x >= 0; };
  if (!(law.lengths.array() > 0).all() || !is_variance(law.signal) || !is_variance(law.nugget)) {
    throw input_error(
        fmt::format("cannot use the regression of {}: its law has a length that is not above 0, or a "
                    "variance that is no finite number of at least 0",
                    name));
  }
  const double square = scale_ * scale_;
  likelihood_computer likelihood(in_units);
  settle({(width_.array() / law.lengths.array()).square(), law.signal / square, law.nugget / square}, likelihood,
         middle);
  law_.last_step = law.last_step;
}

Eigen::MatrixXd gaussian_process::scaled(const Eigen::Ref<const Eigen::MatrixXd>& points) const {
  return (points.rowwise() - lower_.transpose()).array().rowwise() / width_.transpose().array();
}

estimated_figure gaussian_process::predict(const Eigen::Ref<const Eigen::MatrixXd>& points) const {
  check_regression_size(name_, "axes at the new points", points.cols(), points_.cols());
  const Eigen::Index n = points_.rows();
  const double total = row_sums_.sum();
  estimated_figure out{Eigen::VectorXd(points.rows()), Eigen::VectorXd(points.rows())};
  for (Eigen::Index begin = 0; begin < points.rows(); begin += prediction_block) {
    const Eigen::Index size = std::min(prediction_block, points.rows() - begin);
    const Eigen::MatrixXd block = scaled(points.middleRows(begin, size));
    Eigen::MatrixXd covariances(n, size);
    for (Eigen::Index i = 0; i < size; ++i) {
      if (!block.row(i).allFinite()) {
        throw input_error(
            fmt::format("cannot predict {}: new point {} of {} has a coordinate that is not a finite number", name_,
                        begin + i + 1, points.rows()));
      }
      correlate_point(points_, 0, relevance_, block.row(i).transpose(), covariances.col(i));
    }
    covariances *= signal_;
    for (Eigen::Index i = 0; i < size; ++i) {
      const double value = mean_ + weights_.dot(covariances.col(i));
      const double of_mean = 1 - row_sums_.dot(covariances.col(i));
      out.values(begin + i) = value * scale_;
      out.standard_errors(begin + i) = signal_ + of_mean * of_mean / total;
    }
    factor_.triangularView<Eigen::Lower>().solveInPlace(covariances);
    const Eigen::VectorXd explained = covariances.colwise().squaredNorm();
    auto errors = out.standard_errors.segment(begin, size).array();
    errors = scale_ * (errors - explained.array()).max(0.0).sqrt();
  }
  return out;
}

estimated_figure gaussian_process::leave_one_out() const {
  Eigen::MatrixXd inverse_factor = factor_;
  invert_lower_triangle(inverse_factor);
  const double total = row_sums_.sum();
  const Eigen::Index n = points_.rows();
  estimated_figure out{Eigen::VectorXd(n), Eigen::VectorXd(n)};
  for (Eigen::Index i = 0; i < n; ++i) {
    const double precision = inverse_factor.col(i).tail(n - i).squaredNorm() - row_sums_(i) * row_sums_(i) / total;
    out.values(i) = scale_ * weights_(i) / precision;
    out.standard_errors(i) = scale_ / std::sqrt(precision);
  }
  return out;
}

}  // namespace spikesweep
