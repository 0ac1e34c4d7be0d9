#include <algorithm>

#include <gtest/gtest.h>

#include <spikesweep/base/random.hpp>
#include <spikesweep/learning/cloud.hpp>

namespace spikesweep {
namespace {

namespace mpi = boost::mpi;

constexpr int features = 6;
constexpr std::int64_t rows = 8000;

/// Rows [first, last) of two phases, in turn. Features 0 and 1 are nearly the same, the others independent; those of
/// quiet rows are around 2.
dataset correlated_rows(std::int64_t first, std::int64_t last) {
  dataset data;
  data.first = first;
  data.rows = last - first;
  data.features = features;
  for (std::int64_t row = first; row < last; ++row) {
    random_stream random(3, purpose::test, static_cast<std::uint32_t>(row));
    const bool quiet = row % 2 == 1;
    data.phase.push_back(static_cast<std::uint8_t>(quiet ? phase_kind::quiet : phase_kind::active));
    const double common = random.normal();
    for (int k = 0; k < features; ++k) {
      const double x = k < 2 ? common + 0.05 * random.normal() : random.normal();
      data.inputs.push_back(static_cast<float>(std::clamp(x + (quiet ? 2 : 0), -8.0, 8.0)));
    }
  }
  return data;
}

const training_cloud& fitted() {
  static const training_cloud clouds =
      fit_cloud(mpi::communicator(MPI_COMM_SELF, mpi::comm_attach), correlated_rows(0, rows));
  return clouds;
}

const phase_cloud& active() {
  return fitted()[static_cast<std::size_t>(phase_kind::active)];
}

TEST(Cloud, HoldsAllButAThousandthOfItsRows) {
  const dataset data = correlated_rows(0, rows);
  int beyond = 0;
  double squares = 0;
  for (std::size_t row = 0; row < static_cast<std::size_t>(rows); row += 2) {
    const double distance = active().distance(std::span(data.inputs).subspan(row * features, features));
    beyond += distance > active().limit ? 1 : 0;
    squares += distance * distance;
  }
  EXPECT_EQ(beyond, 3) << "4000 rows, of which the 3996th nearest sets the limit";
  // The mean of squares is 1 but for the shrinkage of 0.01, which weighs on the narrow direction.
  EXPECT_NEAR(squares / 4000, 1, 0.2);
  EXPECT_GT(active().limit, 1.5);
  EXPECT_LT(active().limit, 2.5);
}

TEST(Cloud, SeesFeaturesThatContradictEachOther) {
  const std::vector<float> usual{1.5F, 1.5F, 0, 0, 0, 0};
  const std::vector<float> contradiction{1.5F, -1.5F, 0, 0, 0, 0};
  EXPECT_LT(active().distance(usual), active().limit);
  EXPECT_GT(active().distance(contradiction), 2 * active().limit);
}

TEST(Cloud, IsOfOnePhase) {
  const std::vector<float> quiet(features, 2.0F);
  EXPECT_LT(fitted()[static_cast<std::size_t>(phase_kind::quiet)].distance(quiet), 0.1);
  EXPECT_GT(active().distance(quiet), 1);
  EXPECT_TRUE(fitted()[static_cast<std::size_t>(phase_kind::step)].empty());
}

TEST(Cloud, HasTheSameBitsHoweverItsRowsAreSharedOut) {
  const mpi::communicator world;
  const std::int64_t first = rows * world.rank() / world.size();
  const std::int64_t last = rows * (world.rank() + 1) / world.size();
  const training_cloud shared = fit_cloud(world, correlated_rows(first, last));
  for (std::size_t k = 0; k < shared.size(); ++k) {
    EXPECT_EQ(shared[k].mean, fitted()[k].mean);
    EXPECT_EQ(shared[k].whitening, fitted()[k].whitening);
    EXPECT_EQ(shared[k].limit, fitted()[k].limit);
  }
}

TEST(Cloud, TakesRanksWithoutRows) {
  const mpi::communicator world;
  const training_cloud lopsided = fit_cloud(world, world.rank() == 0 ? correlated_rows(0, rows) : dataset());
  EXPECT_EQ(lopsided[static_cast<std::size_t>(phase_kind::active)].mean, active().mean);
}

}  // namespace
}  // namespace spikesweep
