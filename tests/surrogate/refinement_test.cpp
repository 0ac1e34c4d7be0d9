#include <algorithm>
#include <cmath>
#include <set>

#include <gtest/gtest.h>

#include <spikesweep/base/random.hpp>
#include <spikesweep/surrogate/refinement.hpp>
#include <spikesweep/sweep/design.hpp>

namespace spikesweep {
namespace {

/// Distance between the two nearest rows.
double nearest_pair(const Eigen::MatrixXd& points) {
  double nearest = 1e9;
  for (Eigen::Index i = 0; i < points.rows(); ++i) {
    for (Eigen::Index j = 0; j < i; ++j) {
      nearest = std::min(nearest, (points.row(i) - points.row(j)).norm());
    }
  }
  return nearest;
}

Eigen::MatrixXd rows_of(const Eigen::MatrixXd& points, const std::vector<int>& rows) {
  Eigen::MatrixXd chosen(static_cast<Eigen::Index>(rows.size()), points.cols());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    chosen.row(static_cast<Eigen::Index>(i)) = points.row(rows[i]);
  }
  return chosen;
}

TEST(excess_variance, is_that_of_the_members_without_the_noise_of_their_chains) {
  // 3 members whose true rates are 9, 10 and 11 Hz, variance 1; 4 chains each of noise 2 Hz. Mean over 4000 draws:
  // its standard error is about 1.9 / sqrt(4000) = 0.03 Hz^2, over a squared mean of 100 Hz^2.
  random_stream random(5, purpose::test, 1);
  constexpr int draws = 4000;
  double apart = 0;
  double alike = 0;
  for (int draw = 0; draw < draws; ++draw) {
    Eigen::MatrixXd rates(3, 4);
    Eigen::MatrixXd same(3, 4);
    for (int member = 0; member < 3; ++member) {
      for (int chain = 0; chain < 4; ++chain) {
        rates(member, chain) = 9 + member + 2 * random.normal();
        same(member, chain) = 10 + 2 * random.normal();
      }
    }
    apart += excess_variance(rates) / draws;
    alike += excess_variance(same) / draws;
  }
  EXPECT_NEAR(apart, 0.01, 0.0012);
  EXPECT_NEAR(alike, 0, 0.0009);
  EXPECT_EQ(excess_variance(Eigen::MatrixXd::Zero(3, 4)), 0) << "where nothing fires nobody disagrees";
}

TEST(smooth_disagreement, averages_noise_away_and_keeps_a_bump) {
  const Eigen::MatrixXd candidates = sobol_points(256, 2);
  random_stream random(5, purpose::test, 2);
  std::vector<double> excess;
  for (Eigen::Index i = 0; i < candidates.rows(); ++i) {
    const double bump = std::exp(-(candidates.row(i) - Eigen::RowVector2d(0.8, 0.2)).squaredNorm() / 0.02);
    excess.push_back(4 * bump + random.normal());
  }
  const std::vector<double> smooth = smooth_disagreement(candidates, excess);
  const auto top = std::ranges::max_element(smooth) - smooth.begin();
  EXPECT_LT((candidates.row(top) - Eigen::RowVector2d(0.8, 0.2)).norm(), 0.15);
  EXPECT_NEAR(smooth[static_cast<std::size_t>(top)], 2, 0.6);
  for (const double each : smooth_disagreement(candidates, std::vector<double>(256, -1.0))) {
    EXPECT_EQ(each, 0);
  }
}

TEST(pick_points, go_where_the_members_disagree) {
  const Eigen::MatrixXd candidates = sobol_points(256, 2);
  std::vector<double> disagreement;
  for (Eigen::Index i = 0; i < candidates.rows(); ++i) {
    disagreement.push_back(candidates(i, 0) > 0.75 ? 0.1 : 0.001);
  }
  const auto picked = pick_points(candidates, disagreement, sobol_points(8, 2), 6);
  ASSERT_EQ(picked.size(), 6U);
  for (const int i : picked) {
    EXPECT_GT(candidates(i, 0), 0.75);
  }
}

TEST(pick_points, prefer_a_region_to_a_corner) {
  const Eigen::MatrixXd candidates = sobol_points(512, 2);
  const Eigen::RowVector2d middle(0.35, 0.6);
  std::vector<double> disagreement;
  for (Eigen::Index i = 0; i < candidates.rows(); ++i) {
    const bool corner = candidates(i, 0) > 0.9 && candidates(i, 1) < 0.1;
    disagreement.push_back(corner ? 1.3 : (candidates.row(i) - middle).norm() < 0.25 ? 1 : 0.01);
  }
  const auto picked = pick_points(candidates, disagreement, Eigen::RowVector2d(0.9, 0.9), 8);
  ASSERT_EQ(picked.size(), 8U);
  EXPECT_LT((candidates.row(picked[0]) - middle).norm(), 0.25);
  int in_corner = 0;
  for (const int i : picked) {
    in_corner += candidates(i, 0) > 0.85 && candidates(i, 1) < 0.15 ? 1 : 0;
  }
  EXPECT_EQ(in_corner, 1) << "its error is the largest once the region is known";
}

TEST(pick_points, spread_out_and_keep_away_from_what_is_trained_on) {
  const Eigen::MatrixXd candidates = sobol_points(512, 2);
  // A sharp maximum: the largest values by themselves would lie side by side.
  std::vector<double> disagreement;
  for (Eigen::Index i = 0; i < candidates.rows(); ++i) {
    disagreement.push_back(std::exp(-(candidates.row(i) - Eigen::RowVector2d(0.5, 0.5)).norm()));
  }
  const Eigen::MatrixXd trained = Eigen::RowVector2d(0.5, 0.5);
  const auto picked = pick_points(candidates, disagreement, trained, 8);
  ASSERT_EQ(picked.size(), 8U);
  Eigen::MatrixXd all(9, 2);
  all << trained, rows_of(candidates, picked);
  // On a lattice 9 points would be a third apart.
  EXPECT_GT(nearest_pair(all), 0.2);
}

TEST(pick_points, fill_the_gaps_where_all_agree) {
  const Eigen::MatrixXd candidates = sobol_points(512, 2);
  Eigen::MatrixXd trained = sobol_points(40, 2);
  trained.col(0) *= 0.5;  // The right half is empty.
  const auto picked = pick_points(candidates, std::vector<double>(512, 0.0), trained, 5);
  ASSERT_EQ(picked.size(), 5U);
  for (const int i : picked) {
    EXPECT_GT(candidates(i, 0), 0.55);
  }
}

TEST(pick_points, never_pick_a_place_twice) {
  const Eigen::MatrixXd candidates = sobol_points(6, 2);
  const auto picked = pick_points(candidates, std::vector<double>(6, 1.0), candidates.topRows(2), 6);
  EXPECT_EQ(std::set(picked.begin(), picked.end()), (std::set{2, 3, 4, 5}));
}

}  // namespace
}  // namespace spikesweep
