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

/// Sums over transitions of one phase kind, as parts of one array, n the count of a cell and x what was expected.
struct sums {
  std::span<double> squares;   ///< cells: (n - x)^2
  std::span<double> expected;  ///< cells: x
  std::span<double> products;  ///< cells x cells: of (n - x) / sqrt(x)

  static std::size_t size(std::size_t cells) { return 2 * cells + cells * cells; }

  sums(std::span<double> all, std::size_t cells)
      : squares(all.first(cells)), expected(all.subspan(cells, cells)), products(all.subspan(2 * cells)) {}

  void add(std::span<const double> x, std::span<const float> counts) {
    const std::size_t cells = squares.size();
    Eigen::VectorXd residual(static_cast<Eigen::Index>(cells));
    for (std::size_t i = 0; i < cells; ++i) {
      const double difference = static_cast<double>(counts[i]) - x[i];
      squares[i] += difference * difference;
      expected[i] += x[i];
      residual(static_cast<Eigen::Index>(i)) = x[i] < smallest_expected ? 0 : difference / std::sqrt(x[i]);
    }
    const auto n = static_cast<Eigen::Index>(cells);
    Eigen::Map<row_major>(products.data(), n, n).noalias() += residual * residual.transpose();
  }
};

}  // namespace

dispersion_fit::dispersion_fit(std::size_t cells, std::size_t transitions) : cells_(cells) {
  phases_.reserve(transitions);
  expected_.reserve(transitions * cells);
  counts_.reserve(transitions);
}

void dispersion_fit::add(phase_kind phase, std::span<const double> expected, std::span<const float> counts) {
  SPIKESWEEP_ASSERT(expected.size() == cells_ && counts.size() >= cells_);
  phases_.push_back(phase);
  expected_.insert(expected_.end(), expected.begin(), expected.end());
  counts_.push_back(counts.data());
}

profile_dispersion dispersion_fit::fit(const communicator& comm) const {
  const std::size_t each = sums::size(cells_);
  std::vector<double> all(phase_kind_count * each);
  const auto of_phase = [&](std::size_t phase) { return sums(std::span(all).subspan(phase * each, each), cells_); };
  sum_rank_by_rank(comm, all, [&] {
    for (std::size_t i = 0; i < phases_.size(); ++i) {
      of_phase(static_cast<std::size_t>(phases_[i]))
          .add(std::span(expected_).subspan(i * cells_, cells_), std::span(counts_[i], cells_));
    }
  });
  profile_dispersion out;
  for (std::size_t phase = 0; phase < phase_kind_count; ++phase) {
    const sums s = of_phase(phase);
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
