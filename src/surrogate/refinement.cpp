#include <algorithm>
#include <cmath>
#include <limits>

#include <spikesweep/base/error.hpp>
#include <spikesweep/surrogate/closed_loop_rates.hpp>
#include <spikesweep/surrogate/refinement.hpp>

namespace spikesweep {

namespace {

namespace mpi = boost::mpi;

/// What n points on a lattice in the unit cube of so many axes are apart.
double spacing(Eigen::Index n, Eigen::Index axes) {
  return std::pow(static_cast<double>(std::max<Eigen::Index>(n, 1)), -1.0 / static_cast<double>(axes));
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
  std::vector<double> nearest(disagreement.size(), std::numeric_limits<double>::infinity());
  const auto approach = [&](const auto& point) {
    for (std::size_t i = 0; i < nearest.size(); ++i) {
      nearest[i] = std::min(nearest[i], (candidates.row(static_cast<Eigen::Index>(i)) - point).squaredNorm());
    }
  };
  for (Eigen::Index i = 0; i < trained.rows(); ++i) {
    approach(trained.row(i));
  }
  std::vector<int> picked;
  for (int n = 0; n < count; ++n) {
    double best = 0;
    int at = -1;
    for (std::size_t i = 0; i < nearest.size(); ++i) {
      const double score = (disagreement[i] + least) * -std::expm1(-0.5 * nearest[i] / (width * width));
      if (score > best) {
        best = score;
        at = static_cast<int>(i);
      }
    }
    if (at < 0) {
      break;  // Every candidate is trained on or picked.
    }
    picked.push_back(at);
    approach(candidates.row(at));
  }
  return picked;
}

std::vector<double> measure_disagreement(const mpi::communicator& comm, const model& m,
                                         const Eigen::Ref<const Eigen::MatrixXd>& candidates,
                                         const refine_settings& settings, const std::function<bool()>& stop) {
  const Eigen::Index n = candidates.rows();
  std::vector<loop_rates> rates;
  for (std::size_t k = 0; k <= m.others.size(); ++k) {
    model member = m;
    if (k > 0) {
      static_cast<model_member&>(member) = m.others[k - 1];
    }
    std::vector<loop_point> points;
    for (Eigen::Index i = 0; i < n; ++i) {
      const Eigen::VectorXd values = candidates.row(i);
      points.push_back(
          {{values.begin(), values.end()}, static_cast<std::uint32_t>(static_cast<Eigen::Index>(k) * n + i)});
    }
    rates.push_back(closed_loop_rates(comm, member, points, {settings.duration_s, settings.chains, member.seed}, stop));
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
