#include <algorithm>
#include <cmath>
#include <cstdint>

#include <Eigen/Cholesky>
#include <boost/mpi/collectives.hpp>
#include <boost/serialization/vector.hpp>

#include <spikesweep/base/error.hpp>
#include <spikesweep/learning/cloud.hpp>
#include <spikesweep/learning/reduce.hpp>

namespace spikesweep {

namespace {

/// Features are summed as whole multiples of this, so that the sums are exact, in any order. They are within +-8, so
/// products of two fit 30 bits, and 2^33 rows fit the sums.
constexpr double unit = 0x1p-12;
/// Least share of the identity mixed into a covariance: features that hardly vary cannot make a state look far off.
constexpr double least_shrinkage = 0.01;

using row_major = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

std::span<const float> row_of(const dataset& rows, std::int64_t row) {
  const auto width = static_cast<std::size_t>(rows.features);
  return std::span(rows.inputs).subspan(static_cast<std::size_t>(row) * width, width);
}

/// Number of rows, then the sums of the features, then those of the products of two, of which the first is not after
/// the second.
std::vector<std::int64_t> sums_of(const dataset& rows, phase_kind phase, std::size_t width) {
  std::vector<std::int64_t> sums(1 + width + width * width, 0);
  std::vector<std::int64_t> x(width);
  for (std::int64_t row = 0; row < rows.rows; ++row) {
    if (rows.phase[static_cast<std::size_t>(row)] != static_cast<std::uint8_t>(phase)) {
      continue;
    }
    std::ranges::transform(row_of(rows, row), x.begin(),
                           [](float feature) { return std::llround(static_cast<double>(feature) / unit); });
    ++sums[0];
    for (std::size_t i = 0; i < width; ++i) {
      sums[1 + i] += x[i];
      std::int64_t* products = sums.data() + 1 + width + i * width;
      for (std::size_t j = i; j < width; ++j) {
        products[j] += x[i] * x[j];
      }
    }
  }
  return sums;
}

phase_cloud cloud_of(const std::vector<std::int64_t>& sums, std::size_t width) {
  phase_cloud cloud;
  const auto n = static_cast<double>(sums[0]);
  for (std::size_t i = 0; i < width; ++i) {
    cloud.mean.push_back(static_cast<double>(sums[1 + i]) * unit / n);
  }
  const auto size = static_cast<Eigen::Index>(width);
  // Of few rows the covariance is known badly, and in as many directions as there are features it is too small.
  const double shrinkage = std::max(least_shrinkage, static_cast<double>(width) / (n + static_cast<double>(width)));
  Eigen::MatrixXd covariance(size, size);
  for (std::size_t i = 0; i < width; ++i) {
    for (std::size_t j = i; j < width; ++j) {
      const double product = static_cast<double>(sums[1 + width + i * width + j]) * unit * unit / n;
      const double value = (1 - shrinkage) * (product - cloud.mean[i] * cloud.mean[j]) + (i == j ? shrinkage : 0);
      covariance(static_cast<Eigen::Index>(i), static_cast<Eigen::Index>(j)) = value;
      covariance(static_cast<Eigen::Index>(j), static_cast<Eigen::Index>(i)) = value;
    }
  }
  const Eigen::LLT<Eigen::MatrixXd> factor(covariance);
  const row_major whitening = factor.matrixL().solve(Eigen::MatrixXd::Identity(size, size));
  cloud.whitening.assign(whitening.data(), whitening.data() + whitening.size());
  return cloud;
}

}  // namespace

double phase_cloud::distance(std::span<const float> features) const {
  const std::size_t width = mean.size();
  SPIKESWEEP_ASSERT(!empty() && features.size() == width);
  std::vector<double> centred(width);
  std::ranges::transform(features, mean, centred.begin(), [](double x, double m) { return x - m; });
  double squares = 0;
  for (std::size_t i = 0; i < width; ++i) {
    const double* row = whitening.data() + i * width;
    double sum = 0;
    for (std::size_t j = 0; j <= i; ++j) {
      sum += row[j] * centred[j];
    }
    squares += sum * sum;
  }
  return std::sqrt(squares / static_cast<double>(width));
}

training_cloud fit_cloud(const boost::mpi::communicator& comm, const dataset& rows) {
  namespace mpi = boost::mpi;
  // A rank without rows may not know how many features there are.
  const auto width = static_cast<std::size_t>(mpi::all_reduce(comm, rows.features, mpi::maximum<int>()));
  training_cloud clouds;
  for (std::size_t kind = 0; kind < clouds.size(); ++kind) {
    const auto phase = static_cast<phase_kind>(kind);
    std::vector<std::int64_t> sums = sums_of(rows, phase, width);
    all_reduce_sum(comm, std::span(sums));
    if (sums[0] == 0) {
      continue;
    }
    phase_cloud& cloud = clouds[kind];
    cloud = cloud_of(sums, width);
    std::vector<double> mine;
    for (std::int64_t row = 0; row < rows.rows; ++row) {
      if (rows.phase[static_cast<std::size_t>(row)] == kind) {
        mine.push_back(cloud.distance(row_of(rows, row)));
      }
    }
    std::vector<std::vector<double>> all;
    mpi::all_gather(comm, mine, all);
    std::vector<double> distances;
    for (const auto& part : all) {
      distances.insert(distances.end(), part.begin(), part.end());
    }
    const auto within = static_cast<std::size_t>(cloud_share * static_cast<double>(distances.size()));
    const auto last = distances.begin() + static_cast<std::ptrdiff_t>(std::min(within, distances.size() - 1));
    std::nth_element(distances.begin(), last, distances.end());
    cloud.limit = *last;
  }
  return clouds;
}

}  // namespace spikesweep
