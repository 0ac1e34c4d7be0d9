#include <algorithm>
#include <cmath>
#include <limits>

#include <boost/mpi/collectives.hpp>

#include <spikesweep/base/error.hpp>
#include <spikesweep/learning/reduce.hpp>
#include <spikesweep/surrogate/refinement.hpp>
#include <spikesweep/surrogate/trajectory.hpp>

namespace spikesweep {

namespace {

namespace mpi = boost::mpi;

/// Candidates that go through the networks together: always as many, so that no rank count changes a bit.
constexpr Eigen::Index block = 16;

/// What n points on a lattice in the unit cube of so many axes are apart.
double spacing(Eigen::Index n, Eigen::Index axes) {
  return std::pow(static_cast<double>(std::max<Eigen::Index>(n, 1)), -1.0 / static_cast<double>(axes));
}

/// Rates of one member's chains at a block of candidates: candidates x chains, of E and of I [Hz].
std::pair<Eigen::MatrixXd, Eigen::MatrixXd> rates_at(const model& m, const kernel& step, std::uint32_t first_id,
                                                     const Eigen::Ref<const Eigen::MatrixXd>& candidates,
                                                     const refine_settings& settings) {
  constexpr double burn_in_s = 0.3;
  std::vector<chain> chains;
  for (Eigen::Index i = 0; i < candidates.rows(); ++i) {
    const Eigen::VectorXd point = candidates.row(i);
    const auto id = first_id + static_cast<std::uint32_t>(i);
    for (chain& c : start_chains(m, std::span(point.data(), static_cast<std::size_t>(point.size())), settings.chains,
                                 m.seed, id)) {
      chains.push_back(std::move(c));
    }
  }
  trajectory_settings run;
  run.duration_s = settings.duration_s / settings.chains;
  run.burn_in_s = burn_in_s;
  std::vector<parameters> networks;
  for (const chain& c : chains) {
    networks.push_back(c.p);
  }
  const std::vector<trajectory> runs = run_closed_loop(step, chains, run);
  Eigen::MatrixXd E(candidates.rows(), settings.chains);
  Eigen::MatrixXd I(candidates.rows(), settings.chains);
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const auto row = static_cast<Eigen::Index>(i) / settings.chains;
    const auto column = static_cast<Eigen::Index>(i) % settings.chains;
    E(row, column) = static_cast<double>(runs[i].spikes_E) / (networks[i].N_E * run.duration_s);
    I(row, column) = static_cast<double>(runs[i].spikes_I) / (networks[i].N_I * run.duration_s);
  }
  return {E, I};
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
  const auto members = static_cast<Eigen::Index>(m.others.size() + 1);
  const int chains_of_block = static_cast<int>(block) * settings.chains;
  std::vector<model> models;
  for (Eigen::Index k = 0; k < members; ++k) {
    models.push_back(m);
    models.back().others.clear();
    if (k > 0) {
      static_cast<model_member&>(models.back()) = m.others[static_cast<std::size_t>(k - 1)];
    }
  }
  std::vector<kernel> kernels;
  for (const model& each : models) {
    kernels.push_back(surrogate_kernel(each, chains_of_block));
  }
  std::vector<double> excess(static_cast<std::size_t>(n), 0.0);
  for (Eigen::Index round = 0; round < n; round += block * comm.size()) {
    bool stops = comm.rank() == 0 && stop && stop();
    mpi::broadcast(comm, stops, 0);
    if (stops) {
      throw interrupted_error("interrupted while points were chosen; the same command goes on from there");
    }
    const Eigen::Index first = round + block * comm.rank();
    const Eigen::Index count = std::clamp<Eigen::Index>(n - first, 0, block);
    std::vector<Eigen::MatrixXd> E;
    std::vector<Eigen::MatrixXd> I;
    for (Eigen::Index k = 0; k < members && count > 0; ++k) {
      const auto id = static_cast<std::uint32_t>(k * n + first);
      auto [rates_E, rates_I] = rates_at(models[static_cast<std::size_t>(k)], kernels[static_cast<std::size_t>(k)], id,
                                         candidates.middleRows(first, count), settings);
      E.push_back(std::move(rates_E));
      I.push_back(std::move(rates_I));
    }
    for (Eigen::Index i = 0; i < count; ++i) {
      for (const auto& rates : {E, I}) {
        Eigen::MatrixXd of_candidate(members, settings.chains);
        for (Eigen::Index k = 0; k < members; ++k) {
          of_candidate.row(k) = rates[static_cast<std::size_t>(k)].row(i);
        }
        excess[static_cast<std::size_t>(first + i)] += excess_variance(of_candidate);
      }
    }
  }
  all_reduce_sum(comm, std::span(excess));
  return excess;
}

}  // namespace spikesweep
