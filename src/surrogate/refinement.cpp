#include <algorithm>
#include <cmath>

#include <Eigen/Cholesky>

#include <spikesweep/base/error.hpp>
#include <spikesweep/surrogate/closed_loop_rates.hpp>
#include <spikesweep/surrogate/refinement.hpp>

namespace spikesweep {

namespace {

constexpr double noise_share = 1e-4;  // Of the variance: what a point trained on leaves open where it stands.
constexpr double known_share = 1e-3;  // Where no more than this is left there is a point already.

/// What n points on a lattice in the unit cube of so many axes are apart.
double spacing(Eigen::Index n, Eigen::Index axes) {
  return std::pow(static_cast<double>(std::max<Eigen::Index>(n, 1)), -1.0 / static_cast<double>(axes));
}

/// exp(-r^2 / 2 width^2) of each row of `a` with each of `b`.
Eigen::MatrixXd correlations(const Eigen::Ref<const Eigen::MatrixXd>& a, const Eigen::Ref<const Eigen::MatrixXd>& b,
                             double width) {
  Eigen::MatrixXd out(a.rows(), b.rows());
  for (Eigen::Index j = 0; j < b.rows(); ++j) {
    for (Eigen::Index i = 0; i < a.rows(); ++i) {
      out(i, j) = std::exp(-0.5 * (a.row(i) - b.row(j)).squaredNorm() / (width * width));
    }
  }
  return out;
}

}  // namespace

double excess_variance(const Eigen::Ref<const Eigen::MatrixXd>& rates) {
  const auto members = static_cast<double>(rates.rows());
  const auto chains = static_cast<double>(rates.cols());
  SPIKESWEEP_ASSERT(rates.rows() > 1 && rates.cols() > 1);
  const double mean = rates.mean();
  if (mean <= 0) {
    return 0;
  }
  const Eigen::VectorXd means = rates.rowwise().mean();
  const double between = (means.array() - mean).square().sum() / (members - 1);
  const double within = (rates.colwise() - means).array().square().sum() / (members * (chains - 1));
  return (between - within / chains) / (mean * mean);
}

std::vector<double> smooth_disagreement(const Eigen::Ref<const Eigen::MatrixXd>& candidates,
                                        std::span<const double> excess) {
  const double width = spacing(candidates.rows(), candidates.cols());
  std::vector<double> smooth;
  for (Eigen::Index i = 0; i < candidates.rows(); ++i) {
    double sum = 0;
    double weights = 0;
    for (Eigen::Index j = 0; j < candidates.rows(); ++j) {
      const double weight = std::exp(-0.5 * (candidates.row(i) - candidates.row(j)).squaredNorm() / (width * width));
      sum += weight * excess[static_cast<std::size_t>(j)];
      weights += weight;
    }
    smooth.push_back(std::sqrt(std::max(0.0, sum / weights)));
  }
  return smooth;
}

std::vector<int> pick_points(const Eigen::Ref<const Eigen::MatrixXd>& candidates, std::span<const double> disagreement,
                             const Eigen::Ref<const Eigen::MatrixXd>& trained, int count) {
  const double width = spacing(trained.rows() + count, candidates.cols());
  const double largest = *std::ranges::max_element(disagreement);
  // Where all agree distance alone decides; elsewhere this is far below any disagreement.
  const double least = largest > 0 ? 1e-6 * largest : 1;
  const Eigen::VectorXd deviation =
      Eigen::Map<const Eigen::VectorXd>(disagreement.data(), candidates.rows()).array() + least;

  // What the points trained on leave of the correlations, then covariances.
  Eigen::MatrixXd among_trained = correlations(trained, trained, width);
  among_trained.diagonal().array() += noise_share;
  const Eigen::MatrixXd explained = among_trained.llt().matrixL().solve(correlations(trained, candidates, width));
  Eigen::MatrixXd covariances = correlations(candidates, candidates, width);
  covariances.noalias() -= explained.transpose() * explained;
  covariances = deviation.asDiagonal() * covariances * deviation.asDiagonal();

  std::vector<int> picked;
  for (int pick = 0; pick < count; ++pick) {
    double best = 0;
    Eigen::Index at = -1;
    for (Eigen::Index c = 0; c < candidates.rows(); ++c) {
      const double own = covariances(c, c);
      if (own <= known_share * deviation[c] * deviation[c]) {
        continue;  // Trained on, or picked.
      }
      const double gain = covariances.col(c).squaredNorm() / own;
      if (gain > best) {
        best = gain;
        at = c;
      }
    }
    if (at < 0) {
      break;  // Every candidate is trained on or picked.
    }
    const Eigen::VectorXd known = covariances.col(at) / std::sqrt(covariances(at, at));
    covariances.noalias() -= known * known.transpose();
    picked.push_back(static_cast<int>(at));
  }
  return picked;
}

std::vector<double> measure_disagreement(const communicator& comm, const model& m,
                                         const Eigen::Ref<const Eigen::MatrixXd>& candidates,
                                         const refine_settings& settings, const std::function<bool()>& stop) {
  const Eigen::Index n = candidates.rows();
  std::vector<loop_rates> rates;
  const predictor law(m);
  for (std::size_t k = 0; k < m.members.size(); ++k) {
    std::vector<loop_point> points;
    for (Eigen::Index i = 0; i < n; ++i) {
      const Eigen::VectorXd values = candidates.row(i);
      points.push_back(
          {{values.begin(), values.end()}, static_cast<std::uint32_t>(static_cast<Eigen::Index>(k) * n + i)});
    }
    rates.push_back(
        closed_loop_rates(comm, law, points, {settings.duration_s, settings.chains, m.members[k].seed, k}, stop));
  }
  std::vector<double> excess(static_cast<std::size_t>(n), 0.0);
  for (Eigen::Index i = 0; i < n; ++i) {
    for (const auto population : {&loop_rates::E, &loop_rates::I}) {
      Eigen::MatrixXd of_candidate(static_cast<Eigen::Index>(rates.size()), settings.chains);
      for (std::size_t k = 0; k < rates.size(); ++k) {
        of_candidate.row(static_cast<Eigen::Index>(k)) = (rates[k].*population).row(i);
      }
      excess[static_cast<std::size_t>(i)] += excess_variance(of_candidate);
    }
  }
  return excess;
}

}  // namespace spikesweep
