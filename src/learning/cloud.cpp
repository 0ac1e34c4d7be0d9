#include <algorithm>
#include <cmath>

#include <Eigen/Cholesky>

#include <spikesweep/base/dct.hpp>
#include <spikesweep/base/error.hpp>
#include <spikesweep/learning/cloud.hpp>

namespace spikesweep {

namespace {

/// Number of cosine modes of each population. It was chosen on 48 points of S_EE and S_EI around the canonical network.
/// With 6 modes 0.04 % of the states of held-out points are beyond the limit, and half to all states of networks far
/// outside the range. With all cells instead of modes no state of either kind is beyond the limit, because a cell holds
/// few neurons.
constexpr std::size_t most_modes = 6;
/// This share of the variance of each number is treated as independent of the other numbers. Without it, numbers that
/// are strongly correlated, or few states, would make an ordinary state look far away.
constexpr double cloud_shrinkage = 0.01;

using row_major = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

phase_cloud cloud_of(const std::vector<double>& outlines, std::size_t size) {
  const auto numbers = static_cast<Eigen::Index>(size);
  const Eigen::Map<const row_major> states(outlines.data(), static_cast<Eigen::Index>(outlines.size() / size), numbers);
  const Eigen::RowVectorXd mean = states.colwise().mean();
  const row_major centred = states.rowwise() - mean;
  Eigen::MatrixXd covariance = centred.transpose() * centred / static_cast<double>(states.rows());
  constexpr double least_variance = 1e-12;  // For a number that never changed.
  const Eigen::VectorXd own = covariance.diagonal().cwiseMax(least_variance);
  covariance *= 1 - cloud_shrinkage;
  covariance.diagonal() += cloud_shrinkage * own;
  const row_major whitening =
      Eigen::LLT<Eigen::MatrixXd>(covariance).matrixL().solve(Eigen::MatrixXd::Identity(numbers, numbers));
  phase_cloud cloud;
  cloud.mean.assign(mean.data(), mean.data() + mean.size());
  cloud.whitening.assign(whitening.data(), whitening.data() + whitening.size());
  std::vector<double> distances;
  for (std::size_t first = 0; first < outlines.size(); first += size) {
    distances.push_back(cloud.distance(std::span(outlines).subspan(first, size)));
  }
  const auto within = static_cast<std::size_t>(cloud_share * static_cast<double>(distances.size()));
  const auto last = distances.begin() + static_cast<std::ptrdiff_t>(std::min(within, distances.size() - 1));
  std::nth_element(distances.begin(), last, distances.end());
  cloud.limit = *last;
  return cloud;
}

}  // namespace

state_outline::state_outline(const state_layout& layout)
    : layout_(layout), modes_(std::min(most_modes, static_cast<std::size_t>(layout.cells()))) {
  const auto cells = static_cast<std::size_t>(layout.cells());
  const std::vector<double> cosines = dct_cosines(cells);
  for (std::size_t mode = 0; mode < modes_; ++mode) {
    for (std::size_t cell = 0; cell < cells; ++cell) {
      cosines_.push_back(cosines[mode * (2 * cell + 1) % (4 * cells)]);
    }
  }
}

void state_outline::of(const parameters& p, state_view state, std::span<double> out) const {
  SPIKESWEEP_ASSERT(out.size() == size());
  const auto cells = static_cast<std::size_t>(layout_.cells());
  std::size_t next = 0;
  for (const population q : {population::E, population::I}) {
    const auto own = state.subspan(static_cast<std::size_t>(layout_.first_cell(q)), cells);
    const auto modes = out.subspan(next, modes_);
    std::ranges::fill(modes, 0.0);
    for (std::size_t cell = 0; cell < cells; ++cell) {
      const double root = std::sqrt(static_cast<double>(own[cell]) / p.size(q));
      for (std::size_t mode = 0; mode < modes_; ++mode) {
        modes[mode] += root * cosines_[mode * cells + cell];
      }
    }
    next += modes_;
  }
  for (int k = 0; k < pool_count; ++k) {
    out[next++] =
        std::log1p(static_cast<double>(state[static_cast<std::size_t>(layout_.pending(static_cast<pool>(k)))]));
  }
}

double phase_cloud::distance(std::span<const double> outline) const {
  const std::size_t size = mean.size();
  SPIKESWEEP_ASSERT(!empty() && outline.size() == size);
  double squares = 0;
  for (std::size_t i = 0; i < size; ++i) {
    double sum = 0;
    for (std::size_t j = 0; j <= i; ++j) {
      sum += whitening[i * size + j] * (outline[j] - mean[j]);
    }
    squares += sum * sum;
  }
  return std::sqrt(squares / static_cast<double>(size));
}

void cloud_fit::add(const parameters& p, const transition_block& block) {
  // The stride is odd, so that it meets both kinds of phases when they alternate.
  const std::int64_t stride = (block.rows() / most_rows) | 1;
  for (std::int64_t row = 0; row < block.rows(); row += stride) {
    if (block.perturbed[static_cast<std::size_t>(row)] != 0) {
      continue;
    }
    std::vector<double>& outlines = outlines_[block.phase[static_cast<std::size_t>(row)]];
    outlines.resize(outlines.size() + outline_.size());
    outline_.of(p, {block.before.row(row).data(), static_cast<std::size_t>(block.before.cols())},
                std::span(outlines).last(outline_.size()));
  }
}

training_cloud cloud_fit::fit() const {
  training_cloud clouds;
  for (std::size_t phase = 0; phase < clouds.size(); ++phase) {
    if (!outlines_[phase].empty()) {
      clouds[phase] = cloud_of(outlines_[phase], outline_.size());
    }
  }
  return clouds;
}

}  // namespace spikesweep
