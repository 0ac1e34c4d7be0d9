#include <algorithm>
#include <cmath>

#include <Eigen/Cholesky>

#include <spikesweep/base/error.hpp>
#include <spikesweep/learning/dispersion.hpp>
#include <spikesweep/parallel/reduce.hpp>

namespace spikesweep {

namespace {

/// A cell that is expected to hold fewer neurons than this in a transition tells nothing about correlations.
constexpr double smallest_expected = 0.05;
/// The correlations are mixed with this share of the identity, so that they have a Cholesky factor.
constexpr double shrinkage = 0.02;

using row_major = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

}  // namespace

dispersion_fit::dispersion_fit(std::size_t cells) : cells_(cells) {
  for (auto& s : sums_) {
    s.squares.assign(cells, 0.0);
    s.expected.assign(cells, 0.0);
    s.products.assign(cells * cells, 0.0);
  }
}

void dispersion_fit::add(phase_kind phase, std::span<const double> expected, std::span<const float> counts) {
  SPIKESWEEP_ASSERT(expected.size() == cells_ && counts.size() >= cells_);
  sums& s = sums_[static_cast<std::size_t>(phase)];
  Eigen::VectorXd residual(static_cast<Eigen::Index>(cells_));
  for (std::size_t i = 0; i < cells_; ++i) {
    const double x = expected[i];
    const double difference = static_cast<double>(counts[i]) - x;
    s.squares[i] += difference * difference;
    s.expected[i] += x;
    residual(static_cast<Eigen::Index>(i)) = x < smallest_expected ? 0 : difference / std::sqrt(x);
  }
  const auto n = static_cast<Eigen::Index>(cells_);
  Eigen::Map<row_major>(s.products.data(), n, n).noalias() += residual * residual.transpose();
}

profile_dispersion dispersion_fit::fit(const communicator& comm) const {
  profile_dispersion out;
  for (std::size_t phase = 0; phase < phase_kind_count; ++phase) {
    sums s = sums_[phase];
    all_reduce_sum(comm, std::span(s.squares));
    all_reduce_sum(comm, std::span(s.expected));
    all_reduce_sum(comm, std::span(s.products));
    if (*std::ranges::max_element(s.expected) <= 0) {
      continue;
    }
    auto& fitted = out[phase];
    const auto n = static_cast<Eigen::Index>(cells_);
    row_major correlations = Eigen::Map<row_major>(s.products.data(), n, n);
    Eigen::VectorXd scale = correlations.diagonal();
    for (Eigen::Index i = 0; i < n; ++i) {
      const auto k = static_cast<std::size_t>(i);
      fitted.variance.push_back(s.expected[k] > 0 ? s.squares[k] / s.expected[k] : 0);
      scale(i) = scale(i) > 0 ? 1 / std::sqrt(scale(i)) : 0;
    }
    correlations = scale.asDiagonal() * correlations * scale.asDiagonal();
    correlations *= 1 - shrinkage;
    correlations.diagonal().setOnes();
    const row_major factor = Eigen::LLT<Eigen::MatrixXd>(correlations).matrixL();
    fitted.factor.assign(factor.data(), factor.data() + factor.size());
  }
  return out;
}

}  // namespace spikesweep
