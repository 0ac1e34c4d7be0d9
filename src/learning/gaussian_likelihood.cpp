#include "gaussian_likelihood.hpp"

#include <algorithm>
#include <limits>

#include <Eigen/Cholesky>

#include <spikesweep/base/portable_math.hpp>

namespace spikesweep {

// Products of two general matrices are left out on purpose: Eigen shares them among threads, and the bits of their sums
// depend on how many there are. It does not do so with triangular matrices, with rank updates, and with vectors.

namespace {

/// Rows of a block of the triangular matrices: large enough for fast products, small beside the matrix.
constexpr Eigen::Index triangle_block = 64;

/// exp(x), x <= 0. Below its limit a correlation does not count.
double correlation_of(double x) {
  constexpr double lowest = -700;
  return x < lowest ? 0 : portable_exp(x);
}

/// The lower half of transposed(lower) x lower.
void multiply_by_own_transpose(const Eigen::MatrixXd& lower, Eigen::MatrixXd& out) {
  const Eigen::Index n = lower.rows();
  out.setZero(n, n);
  for (Eigen::Index begin = 0; begin < n; begin += triangle_block) {
    const Eigen::Index size = std::min(triangle_block, n - begin);
    // What stands right of the diagonal in these rows is not part of the triangle.
    Eigen::MatrixXd rows = lower.block(begin, 0, size, begin + size);
    rows.rightCols(size).triangularView<Eigen::StrictlyUpper>().setZero();
    out.topLeftCorner(begin + size, begin + size).selfadjointView<Eigen::Lower>().rankUpdate(rows.transpose());
  }
}

}  // namespace

void correlate_point(const Eigen::MatrixXd& points, Eigen::Index first, const Eigen::VectorXd& relevance,
                     const Eigen::Ref<const Eigen::VectorXd>& point, Eigen::Ref<Eigen::VectorXd> out) {
  const Eigen::Index n = out.size();
  out.setZero();
  for (Eigen::Index axis = 0; axis < points.cols(); ++axis) {
    if (relevance(axis) > 0) {
      out.array() += (-0.5 * relevance(axis)) * (points.col(axis).segment(first, n).array() - point(axis)).square();
    }
  }
  for (Eigen::Index i = 0; i < n; ++i) {
    out(i) = correlation_of(out(i));
  }
}

void invert_lower_triangle(Eigen::Ref<Eigen::MatrixXd> matrix) {
  const Eigen::Index n = matrix.rows();
  if (n <= triangle_block) {
    const Eigen::MatrixXd inverse = matrix.triangularView<Eigen::Lower>().solve(Eigen::MatrixXd::Identity(n, n));
    matrix.triangularView<Eigen::Lower>() = inverse;
    return;
  }
  // [A 0; B C]^-1 = [A^-1 0; -C^-1 B A^-1 C^-1]
  const Eigen::Index half = n / 2 / triangle_block * triangle_block + (n / 2 < triangle_block ? n / 2 : 0);
  auto top = matrix.topLeftCorner(half, half);
  auto below = matrix.bottomLeftCorner(n - half, half);
  auto bottom = matrix.bottomRightCorner(n - half, n - half);
  invert_lower_triangle(top);
  invert_lower_triangle(bottom);
  Eigen::MatrixXd product(n - half, half);
  product.noalias() = bottom.triangularView<Eigen::Lower>() * below;
  below.noalias() = product * top.triangularView<Eigen::Lower>();
  below *= -1;
}

likelihood_computer::likelihood_computer(const scaled_figure& figure) : figure_(figure) {}

void likelihood_computer::correlate(const Eigen::VectorXd& relevance) {
  const Eigen::Index n = figure_.points.rows();
  correlations_.resize(n, n);
  for (Eigen::Index j = 0; j < n; ++j) {
    correlate_point(figure_.points, j, relevance, figure_.points.row(j).transpose(), correlations_.col(j).tail(n - j));
  }
}

profile_likelihood likelihood_computer::operator()(const covariance_law& law, bool derivatives) {
  const Eigen::Index n = figure_.points.rows();
  correlate(law.relevance);
  factor_.resize(n, n);
  factor_.triangularView<Eigen::Lower>() = law.signal * correlations_;
  factor_.diagonal().array() += figure_.noise.array() + law.nugget;
  profile_likelihood out;
  out.by_relevance.setZero(law.relevance.size());
  const Eigen::LLT<Eigen::Ref<Eigen::MatrixXd>> factored(factor_);
  if (factored.info() != Eigen::Success) {
    out.value = -std::numeric_limits<double>::infinity();
    return out;
  }
  row_sums_ = factored.solve(Eigen::VectorXd::Ones(n));
  out.mean = row_sums_.dot(figure_.values) / row_sums_.sum();
  const Eigen::VectorXd residuals = figure_.values.array() - out.mean;
  weights_ = factored.solve(residuals);
  double log_determinant = 0;
  for (Eigen::Index i = 0; i < n; ++i) {
    log_determinant += 2 * portable_log(factor_(i, i));
  }
  constexpr double log_two_pi = 1.8378770664093454836;
  out.value = -0.5 * (residuals.dot(weights_) + log_determinant + static_cast<double>(n) * log_two_pi);
  if (derivatives) {
    differentiate(law, out);
  }
  return out;
}

/// d/dt = 1/2 trace((w w' - K^-1) dK/dt), w the weights (Rasmussen and Williams, formula 5.9). The mean adds nothing:
/// it is at its best.
void likelihood_computer::differentiate(const covariance_law& law, profile_likelihood& out) {
  const Eigen::Index n = figure_.points.rows();
  inverse_factor_ = factor_;
  invert_lower_triangle(inverse_factor_);
  multiply_by_own_transpose(inverse_factor_, inverse_);
  out.by_nugget = 0.5 * (weights_.squaredNorm() - inverse_.diagonal().sum());
  double correlated = 0;
  Eigen::VectorXd column(n);
  for (Eigen::Index j = 0; j < n; ++j) {
    const Eigen::Index below = n - j - 1;
    auto terms = column.tail(below);
    terms = (weights_(j) * weights_.tail(below) - inverse_.col(j).tail(below))
                .cwiseProduct(correlations_.col(j).tail(below));
    correlated += terms.sum();
    for (Eigen::Index axis = 0; axis < figure_.points.cols(); ++axis) {
      out.by_relevance(axis) -=
          0.5 * law.signal *
          (figure_.points.col(axis).tail(below).array() - figure_.points(j, axis)).square().matrix().dot(terms);
    }
  }
  out.by_signal = correlated + out.by_nugget;  // The correlation of a point with itself is 1.
}

}  // namespace spikesweep
