#include <algorithm>
#include <array>
#include <functional>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <spikesweep/sweep/design.hpp>

#include "store/sweep_samples.hpp"

namespace spikesweep {
namespace {

using ::testing::AllOf;
using testing::error_of;
using ::testing::HasSubstr;

design_settings four_axes(design_kind kind, int points) {
  design_settings settings;
  settings.kind = kind;
  settings.points = points;
  settings.axes = {
      {"S_EE", {}, 3.5, 4.5, 0}, {"S_IE", {}, 2.5, 3.5, 0}, {"S_EI", {}, 1.5, 2.5, 0}, {"S_II", {}, 1.5, 2.5, 0}};
  return settings;
}

int with_role(const design& d, point_role role) {
  return static_cast<int>(std::count(d.roles.begin(), d.roles.end(), role));
}

/// Share of the points below a corner of the unit square, less the area below it: at worst over a lattice of corners.
double discrepancy(const Eigen::MatrixXd& unit, int first, int second) {
  double worst = 0;
  for (int i = 1; i <= 16; ++i) {
    for (int j = 1; j <= 16; ++j) {
      const double a = i / 16.0;
      const double b = j / 16.0;
      const auto below = ((unit.col(first).array() < a) && (unit.col(second).array() < b)).count();
      worst = std::max(worst, std::abs(static_cast<double>(below) / static_cast<double>(unit.rows()) - a * b));
    }
  }
  return worst;
}

TEST(design, grid_is_every_combination) {
  design_settings settings;
  settings.kind = design_kind::grid;
  settings.axes = {{"S_EE", {3, 4, 5}, 0, 0, 0}, {"lambda_E", {}, 1000, 2000, 5}};
  settings.selection_points = settings.test_points = 2;
  const design d = make_design(settings, {}, 1);
  ASSERT_EQ(d.size(), 15);
  std::set<std::pair<double, double>> seen;
  for (int i = 0; i < d.size(); ++i) {
    seen.emplace(d.points(i, 0), d.points(i, 1));
  }
  EXPECT_EQ(seen.size(), 15U);
  EXPECT_TRUE(seen.contains({4, 1250}));
  EXPECT_TRUE(seen.contains({5, 2000}));
  EXPECT_EQ(parameters_at(d, {}, 14).lambda_E, 2000);
}

TEST(design, swept_ranges_are_those_of_the_axes_whatever_their_points) {
  design_settings settings = four_axes(design_kind::sobol, 3);
  settings.axes.push_back({"N_E", {310, 290, 300}, 0, 0, 0});
  const std::vector<swept_range> ranges = swept_ranges(settings);
  ASSERT_EQ(ranges.size(), 5U);
  EXPECT_EQ(ranges[0].parameter->name, "S_EE");
  EXPECT_EQ(ranges[0].minimum, 3.5);
  EXPECT_EQ(ranges[0].maximum, 4.5);
  EXPECT_EQ(ranges[4].minimum, 290);
  EXPECT_EQ(ranges[4].maximum, 310);
}

TEST(design, list_takes_the_axes_in_step) {
  design_settings settings;
  settings.kind = design_kind::list;
  settings.axes = {{"S_EE", {3, 4, 5}, 0, 0, 0}, {"N_E", {100, 200.4, 300}, 0, 0, 0}};
  settings.selection_points = settings.test_points = 1;
  const design d = make_design(settings, {}, 1);
  ASSERT_EQ(d.size(), 3);
  EXPECT_EQ(d.points(1, 0), 4);
  EXPECT_EQ(d.points(1, 1), 200) << "a number of neurons has to be whole";
}

TEST(design, latin_hypercube_has_one_point_in_each_slice) {
  const design d = make_design(four_axes(design_kind::latin_hypercube, 50), {}, 3);
  const std::array<double, 4> minimum{3.5, 2.5, 1.5, 1.5};
  for (int axis = 0; axis < 4; ++axis) {
    std::set<int> slices;
    for (int i = 0; i < 50; ++i) {
      slices.insert(static_cast<int>((d.points(i, axis) - minimum[static_cast<std::size_t>(axis)]) * 50));
    }
    EXPECT_EQ(slices.size(), 50U);
    EXPECT_EQ(*slices.begin(), 0);
    EXPECT_EQ(*slices.rbegin(), 49);
  }
  EXPECT_LT((d.points.col(0).array() - 1.0 - d.points.col(1).array()).abs().minCoeff(), 0.2);
  EXPECT_GT((d.points.col(0).array() - 1.0 - d.points.col(1).array()).abs().maxCoeff(), 0.2)
      << "two axes have the same order";
}

TEST(design, sobol_is_the_published_sequence) {
  // scipy.stats.qmc.Sobol(scramble=False), SciPy 1.10.1, which has the direction numbers of Joe & Kuo 2008; without the
  // origin, which Boost leaves out.
  const Eigen::MatrixXd unit = sobol_points(64, 10);
  const std::array<std::array<double, 4>, 7> first{{{0.5, 0.5, 0.5, 0.5},
                                                    {0.75, 0.25, 0.25, 0.25},
                                                    {0.25, 0.75, 0.75, 0.75},
                                                    {0.375, 0.375, 0.625, 0.875},
                                                    {0.875, 0.875, 0.125, 0.375},
                                                    {0.625, 0.125, 0.875, 0.625},
                                                    {0.125, 0.625, 0.375, 0.125}}};
  for (std::size_t i = 0; i < first.size(); ++i) {
    for (std::size_t j = 0; j < 4; ++j) {
      EXPECT_EQ(unit(static_cast<Eigen::Index>(i), static_cast<Eigen::Index>(j)), first[i][j]) << i << ", " << j;
    }
  }
  const std::array<double, 10> point_37{0.921875, 0.640625, 0.578125, 0.921875, 0.765625,
                                        0.296875, 0.171875, 0.796875, 0.609375, 0.171875};
  for (std::size_t j = 0; j < 10; ++j) {
    EXPECT_EQ(unit(36, static_cast<Eigen::Index>(j)), point_37[j]) << j;
  }
}

TEST(design, sobol_fills_the_box_evenly) {
  const design d = make_design(four_axes(design_kind::sobol, 256), {}, 11);
  Eigen::MatrixXd unit = d.points;
  const Eigen::RowVector4d minimum(3.5, 2.5, 1.5, 1.5);
  unit.rowwise() -= minimum;
  EXPECT_GE(unit.minCoeff(), 0);
  EXPECT_LE(unit.maxCoeff(), 1);
  for (int i = 0; i < 4; ++i) {
    for (int j = 0; j < i; ++j) {
      // 256 independent points have about 0.06.
      EXPECT_LT(discrepancy(unit, i, j), 0.025) << "axes " << i << " and " << j;
    }
  }
}

TEST(design, depends_on_the_seed_alone) {
  for (const design_kind kind : {design_kind::sobol, design_kind::latin_hypercube}) {
    const design a = make_design(four_axes(kind, 40), {}, 5);
    const design b = make_design(four_axes(kind, 40), {}, 5);
    const design c = make_design(four_axes(kind, 40), {}, 6);
    EXPECT_EQ(a.points, b.points);
    EXPECT_EQ(a.roles, b.roles);
    EXPECT_NE(a.points, c.points);
    EXPECT_NE(a.roles, c.roles);
  }
}

TEST(design, holds_out_as_many_points_as_asked) {
  design_settings settings = four_axes(design_kind::sobol, 40);
  settings.selection_points = 5;
  settings.test_points = 7;
  const design d = make_design(settings, {}, 1);
  EXPECT_EQ(with_role(d, point_role::selection), 5);
  EXPECT_EQ(with_role(d, point_role::test), 7);
  EXPECT_EQ(with_role(d, point_role::train), 28);
}

TEST(design, has_points_by_their_values_behind_its_own) {
  design_settings settings = four_axes(design_kind::sobol, 40);
  const design own = make_design(settings, {}, 5);
  const named_point a{{"S_EE", 4.5}, {"S_IE", 3}, {"S_EI", 1.5}, {"S_II", 2}};
  const named_point b{{"S_EE", 4}, {"S_IE", 2.5}, {"S_EI", 1.75}, {"S_II", 2}};
  settings.test_at = {a, b};
  settings.train_at = {{{"S_EE", 3.5}, {"S_IE", 3.5}, {"S_EI", 2}, {"S_II", 1.5}}};
  settings.selection_at = {{{"S_EE", 3.75}, {"S_IE", 3.5}, {"S_EI", 2}, {"S_II", 1.5}}};
  const design d = make_design(settings, {}, 5);
  ASSERT_EQ(d.size(), 44);
  EXPECT_EQ(d.points.topRows(40), own.points);
  EXPECT_EQ(std::vector(d.roles.begin(), d.roles.begin() + 40), own.roles);
  EXPECT_EQ(d.points.row(40), Eigen::RowVector4d(3.5, 3.5, 2, 1.5));
  EXPECT_EQ(d.points.row(41), Eigen::RowVector4d(3.75, 3.5, 2, 1.5));
  EXPECT_EQ(d.points.row(42), Eigen::RowVector4d(4.5, 3, 1.5, 2));
  EXPECT_EQ(d.points.row(43), Eigen::RowVector4d(4, 2.5, 1.75, 2));
  EXPECT_EQ(std::vector(d.roles.begin() + 40, d.roles.end()),
            (std::vector{point_role::train, point_role::selection, point_role::test, point_role::test}));
}

TEST(design, has_candidates_of_its_own_for_each_round) {
  design_settings settings = four_axes(design_kind::sobol, 40);
  settings.axes.push_back({"N_E", {}, 290, 310, 0});
  const design d = make_design(settings, {}, 5);
  const Eigen::MatrixXd first = candidate_points(settings, {}, d, 100, 5, 1);
  ASSERT_EQ(first.rows(), 100);
  EXPECT_EQ(first, candidate_points(settings, {}, d, 100, 5, 1));
  EXPECT_NE(first, candidate_points(settings, {}, d, 100, 5, 2));
  EXPECT_NE(first, candidate_points(settings, {}, d, 100, 6, 1));
  EXPECT_GE(first.col(0).minCoeff(), 3.5);
  EXPECT_LE(first.col(0).maxCoeff(), 4.5);
  EXPECT_GT(first.col(0).maxCoeff() - first.col(0).minCoeff(), 0.95);
  EXPECT_EQ(first.col(4), first.col(4).array().round().matrix());
}

TEST(design, has_no_candidates_where_it_has_points) {
  design_settings settings;
  settings.kind = design_kind::grid;
  settings.axes = {{"N_E", {300, 302, 303}, 0, 0, 0}};
  settings.selection_points = settings.test_points = 0;
  const Eigen::MatrixXd left = candidate_points(settings, {}, make_design(settings, {}, 5), 32, 5, 1);
  ASSERT_GT(left.rows(), 0);
  EXPECT_EQ(left.minCoeff(), 301);
  EXPECT_EQ(left.maxCoeff(), 301);
}

TEST(design, has_no_point_twice) {
  design_settings settings;
  settings.kind = design_kind::sobol;
  settings.points = 4;
  settings.selection_points = settings.test_points = 1;
  settings.axes = {{"N_E", {}, 300, 303, 0}};
  const design four = make_design(settings, {}, 5);
  std::vector<double> values(four.points.data(), four.points.data() + 4);
  std::ranges::sort(values);
  EXPECT_EQ(values, (std::vector<double>{300, 301, 302, 303})) << "whole numbers of a short range";
  settings.points = 3;
  EXPECT_EQ(make_design(settings, {}, 5).points, four.points.topRows(3)) << "a longer design begins with a shorter one";
  const auto refusal = [&] { return error_of<input_error>([&] { make_design(settings, {}, 5); }); };
  settings.points = 5;
  EXPECT_THAT(refusal(), HasSubstr("only 4 distinct points of 5"));
  settings.kind = design_kind::grid;
  settings.axes = {{"S_EE", {3, 4, 3, 5}, 0, 0, 0}};
  EXPECT_THAT(refusal(), HasSubstr("points 0 and 2 of the design are the same"));
  settings.kind = design_kind::list;
  EXPECT_THAT(refusal(), HasSubstr("points 0 and 2 of the design are the same"));
  settings.axes = {{"S_EE", {3, 4, 5, 6}, 0, 0, 0}};
  settings.train_at = {{{"S_EE", 4}}};
  EXPECT_THAT(refusal(), HasSubstr("name it once"));
}

TEST(design, holds_out_a_tenth_where_nothing_else_is_asked_for) {
  for (const auto& [points, held_out] :
       {std::pair(2, 0), {4, 0}, {5, 1}, {9, 1}, {25, 2}, {119, 11}, {120, 12}, {5000, 12}}) {
    EXPECT_EQ(usual_held_out(points), held_out) << points;
  }
  design_settings grid;
  grid.kind = design_kind::grid;
  grid.axes = {{"S_EE", {3, 4, 5}, 0, 0, 0}, {"S_EI", {}, 1, 2, 5}};
  EXPECT_EQ(design_size(grid), 15);
}

TEST(design, keeps_the_ranges_of_its_axes) {
  const design made = make_design(four_axes(design_kind::sobol, 40), {}, 1);
  ASSERT_EQ(made.lowest.size(), made.axes.size());
  for (std::size_t a = 0; a < made.axes.size(); ++a) {
    const auto column = made.points.col(static_cast<Eigen::Index>(a));
    EXPECT_LE(made.lowest[a], column.minCoeff());
    EXPECT_GE(made.highest[a], column.maxCoeff());
  }
}

TEST(design, takes_no_point_by_its_values_that_it_cannot_hold_out) {
  design_settings settings;
  settings.kind = design_kind::grid;
  settings.axes = {{"S_EE", {3, 4, 5}, 0, 0, 0}};
  settings.selection_points = settings.test_points = 0;
  settings.test_at = {{{"S_EE", 4}}};
  const auto refusal = [&] { return error_of<input_error>([&] { make_design(settings, {}, 1); }); };
  EXPECT_THAT(refusal(), HasSubstr("a point of test_at is also point 1 of the design, which is for training"));
  settings.test_at = {{{"S_EE", 5.5}}};
  EXPECT_THAT(refusal(), HasSubstr("a point of test_at has S_EE = 5.5 outside its axis, 3 to 5"));
  settings.test_at = {{{"S_EE", 4.5}}};
  EXPECT_EQ(refusal(), "");
}

TEST(design, that_is_impossible_is_refused_by_name) {
  const auto refusal = [](const std::function<void(design_settings&)>& change) {
    design_settings settings = four_axes(design_kind::sobol, 40);
    change(settings);
    return error_of<input_error>([&] { make_design(settings, {}, 1); });
  };
  EXPECT_EQ(refusal([](auto&) {}), "");
  EXPECT_THAT(refusal([](auto& s) { s.axes.clear(); }), HasSubstr("no axes"));
  EXPECT_THAT(refusal([](auto& s) { s.axes[0].parameter = "S_EF"; }), HasSubstr("S_EF"));
  EXPECT_THAT(refusal([](auto& s) { s.axes[1].parameter = "S_EE"; }), HasSubstr("S_EE is given twice"));
  EXPECT_THAT(refusal([](auto& s) { s.axes[0].maximum = 3.5; }), HasSubstr("[3.5, 3.5] is empty"));
  EXPECT_THAT(refusal([](auto& s) { s.axes[0].minimum = -1; }), HasSubstr("S_EE"));
  EXPECT_THAT(refusal([](auto& s) { s.points = 24; }), HasSubstr("none would be left"));
  EXPECT_THAT(refusal([](auto& s) { s.points = 0; }), HasSubstr("0 points"));
  EXPECT_THAT(refusal([](auto& s) { s.kind = design_kind::grid; }), HasSubstr("neither values nor"));
  EXPECT_THAT(refusal([](auto& s) {
                s.kind = design_kind::list;
                s.axes[0].values = {1, 2};
                s.axes[1].values = {1};
              }),
              HasSubstr("S_IE has 1 values"));
  EXPECT_THAT(refusal([](auto& s) {
                s.kind = design_kind::list;
                s.axes = {{"P_EE", {0.5, 1.5}, 0, 0, 0}};
                s.selection_points = s.test_points = 0;
              }),
              HasSubstr("P_EE"));
}

/// The points of a design as points that come first.
first_points as_first(const design& d) {
  return {d.axes, d.points, d.roles};
}

TEST(design, sobol_behind_its_own_points_goes_on_with_the_sequence) {
  const design small = make_design(four_axes(design_kind::sobol, 40), {}, 5);
  design_settings settings = four_axes(design_kind::sobol, 100);
  const design whole = make_design(settings, {}, 5);
  settings.first = as_first(small);
  const design grown = make_design(settings, {}, 5);
  EXPECT_EQ(grown.points, whole.points);
  EXPECT_EQ(grown.first, 40);
  EXPECT_TRUE(std::equal(small.roles.begin(), small.roles.end(), grown.roles.begin())) << "held-out points stay so";
}

TEST(design, sobol_behind_points_of_a_smaller_box_fills_the_larger_one_evenly) {
  design_settings settings = four_axes(design_kind::sobol, 128);
  settings.axes.resize(2);
  const design small = make_design(settings, {}, 5);
  settings.points = 512;
  for (axis_settings& axis : settings.axes) {
    axis.maximum += 1;
  }
  settings.first = as_first(small);
  const design grown = make_design(settings, {}, 5);
  ASSERT_EQ(grown.size(), 512);
  EXPECT_EQ(grown.points.topRows(128), small.points);
  Eigen::MatrixXd unit = grown.points / 2;
  unit.col(0).array() -= 3.5 / 2;
  unit.col(1).array() -= 2.5 / 2;
  // 512 independent points have about 0.04; the new points alone leave the old box out, and have above 0.2.
  EXPECT_LT(discrepancy(unit, 0, 1), 0.025);
}

TEST(design, has_no_point_twice_behind_points_that_come_first) {
  for (const design_kind kind : {design_kind::sobol, design_kind::latin_hypercube}) {
    design_settings settings = four_axes(kind, 30);
    for (int round = 0; round < 3; ++round) {
      const design made = make_design(settings, {}, 5);
      EXPECT_EQ(made.size(), settings.points);
      settings.first = as_first(made);
      settings.points += 30;
    }
  }
  design_settings whole;
  whole.points = 3;
  whole.axes = {{"N_E", {}, 300, 305, 0}};
  whole.selection_points = whole.test_points = 1;
  whole.first = as_first(make_design(whole, {}, 1));
  whole.points = 6;
  EXPECT_EQ(make_design(whole, {}, 1).size(), 6);
  whole.points = 7;
  EXPECT_THAT(error_of<input_error>([&] { make_design(whole, {}, 1); }), HasSubstr("hold only 3 distinct points of 4"));
}

TEST(design, holds_out_a_share_of_the_points_behind_the_first_ones) {
  design_settings settings = four_axes(design_kind::sobol, 200);
  const design small = make_design(settings, {}, 5);
  settings.first = as_first(small);
  settings.points = 260;
  const auto held_out = [&](point_role role) { return with_role(make_design(settings, {}, 5), role); };
  EXPECT_EQ(held_out(point_role::test), 12 + 6);
  settings.test_points = 40;
  EXPECT_EQ(held_out(point_role::test), 40);
  settings.test_points = 2;
  EXPECT_EQ(held_out(point_role::test), 12 + 2);
  EXPECT_EQ(held_out(point_role::selection), 12 + 6);
  settings.points = 200;
  EXPECT_EQ(make_design(settings, {}, 5).roles, small.roles);
}

TEST(design, refuses_first_points_that_do_not_fit_its_axes) {
  design_settings settings = four_axes(design_kind::sobol, 30);
  settings.first = as_first(make_design(settings, {}, 5));
  settings.points = 60;
  settings.axes[1].minimum = 3;
  EXPECT_THAT(error_of<input_error>([&] { make_design(settings, {}, 5); }),
              AllOf(HasSubstr("have S_IE from 2.5"), HasSubstr("outside its axis, 3 to 3.5; widen the axis")));
  settings.axes[1].parameter = "tau_EE";
  EXPECT_THAT(error_of<input_error>([&] { make_design(settings, {}, 5); }), HasSubstr("lack the axis tau_EE"));
}

}  // namespace
}  // namespace spikesweep
