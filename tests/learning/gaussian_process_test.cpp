// Gaussian-process regression against an independent implementation: tools/check_gaussian_process.py wrote
// gaussian_process.json, by numpy and scipy in 80-bit arithmetic.
#include <cmath>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

#include <Eigen/LU>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <omp.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/base/random.hpp>
#include <spikesweep/learning/gaussian_process.hpp>

#include "learning/gaussian_likelihood.hpp"

namespace spikesweep {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

constexpr double bar = 1e-6;

Eigen::VectorXd vector_of(const json& list) {
  Eigen::VectorXd out(static_cast<Eigen::Index>(list.size()));
  for (Eigen::Index i = 0; i < out.size(); ++i) {
    const json& number = list[static_cast<std::size_t>(i)];
    out(i) = number.is_null() ? std::numeric_limits<double>::infinity() : number.get<double>();
  }
  return out;
}

Eigen::MatrixXd matrix_of(const json& rows) {
  Eigen::MatrixXd out(static_cast<Eigen::Index>(rows.size()), static_cast<Eigen::Index>(rows[0].size()));
  for (Eigen::Index i = 0; i < out.rows(); ++i) {
    out.row(i) = vector_of(rows[static_cast<std::size_t>(i)]).transpose();
  }
  return out;
}

/// Compares each number; those near 0 with the largest one of their list.
void expect_same(const Eigen::VectorXd& found, const Eigen::VectorXd& expected, const std::string& what) {
  ASSERT_EQ(found.size(), expected.size()) << what;
  double largest = 0;
  for (const double x : expected) {
    largest = std::isfinite(x) ? std::max(largest, std::abs(x)) : largest;
  }
  double worst = 0;
  for (Eigen::Index i = 0; i < found.size(); ++i) {
    if (std::isinf(expected(i))) {
      EXPECT_EQ(found(i), expected(i)) << what << " " << i;
      continue;
    }
    const double scale = std::max(std::abs(expected(i)), bar * largest);
    const double difference = std::abs(found(i) - expected(i));
    EXPECT_LE(difference, bar * scale) << what << " " << i << ": " << found(i) << " against " << expected(i);
    worst = std::max(worst, scale > 0 ? difference / scale : difference);
  }
  ::testing::Test::RecordProperty(what, std::to_string(worst));
  std::cout << what << ": largest relative difference " << worst << "\n";
}

void expect_same(const estimated_figure& found, const json& expected, const std::string& what) {
  expect_same(found.values, vector_of(expected["values"]), what + " values");
  expect_same(found.standard_errors, vector_of(expected["standard_errors"]), what + " standard errors");
}

/// A smooth figure of `axes` axes at random points of the unit box, with the noise that it tells.
measured_figure made_up_figure(Eigen::Index points, Eigen::Index axes, double noise = 0.05) {
  random_stream random(11, purpose::test);
  measured_figure out{Eigen::MatrixXd(points, axes), Eigen::VectorXd(points), Eigen::VectorXd(points)};
  for (Eigen::Index i = 0; i < points; ++i) {
    double value = 7;
    for (Eigen::Index a = 0; a < axes; ++a) {
      const double x = random.uniform();
      out.points(i, a) = x;
      value += std::sin((2 + static_cast<double>(a)) * x) / (1 + static_cast<double>(a));
    }
    out.noise(i) = noise * noise;
    out.values(i) = value + noise * random.normal();
  }
  return out;
}

gaussian_process fit_in_unit_box(const measured_figure& figure) {
  const Eigen::Index axes = figure.points.cols();
  return {figure, Eigen::VectorXd::Zero(axes), Eigen::VectorXd::Ones(axes)};
}

/// The message of the error that a figure gives.
std::string refusal(const measured_figure& figure) {
  try {
    fit_in_unit_box(figure);
  } catch (const input_error& error) {
    return error.what();
  }
  return "no error";
}

TEST(gaussian_process, is_that_of_an_independent_implementation) {
  const json reference =
      json::parse(std::ifstream(std::string(SPIKESWEEP_SOURCE_DIR) + "/tests/learning/gaussian_process.json"));
  ASSERT_GE(reference["cases"].size(), 7U);
  for (const auto& one : reference["cases"]) {
    const std::string name = one["name"];
    SCOPED_TRACE(name);
    const measured_figure figure{matrix_of(one["points"]), vector_of(one["values"]), vector_of(one["noise"])};
    const gaussian_process process(figure, vector_of(one["lower"]), vector_of(one["upper"]));
    const json& law = one["law"];
    expect_same(process.law().lengths, vector_of(law["lengths"]), name + ": lengths");
    const auto expect_number = [&](double found, const char* key) {
      expect_same(Eigen::VectorXd::Constant(1, found), vector_of(json::array({law[key]})), name + ": " + key);
    };
    expect_number(process.law().signal, "signal");
    expect_number(process.law().nugget, "nugget");
    expect_number(process.law().mean, "mean");
    expect_number(process.law().log_likelihood, "log_likelihood");
    expect_same(process.predict(matrix_of(one["new_points"])), one["predicted"], name + ": predicted");
    expect_same(process.leave_one_out(), one["leave_one_out"], name + ": leave-one-out");
    EXPECT_LE(process.law().last_step, 1e-8);
  }
}

TEST(gaussian_process, under_a_law_that_was_fitted_before_is_the_same) {
  const measured_figure figure = made_up_figure(80, 3);
  const gaussian_process fitted = fit_in_unit_box(figure);
  const gaussian_process again(figure, Eigen::VectorXd::Zero(3), Eigen::VectorXd::Ones(3), fitted.law());
  const gaussian_process third(figure, Eigen::VectorXd::Zero(3), Eigen::VectorXd::Ones(3), again.law());
  const Eigen::MatrixXd places = Eigen::MatrixXd::Constant(1, 3, 0.4);
  expect_same(again.predict(places).values, fitted.predict(places).values, "values");
  expect_same(again.predict(places).standard_errors, fitted.predict(places).standard_errors, "standard errors");
  EXPECT_NEAR(third.law().mean, fitted.law().mean, 1e-9 * std::abs(fitted.law().mean));
  process_law wrong = fitted.law();
  wrong.nugget = -1;
  EXPECT_THROW(gaussian_process(figure, Eigen::VectorXd::Zero(3), Eigen::VectorXd::Ones(3), wrong), input_error);
}

TEST(gaussian_process, knows_the_derivatives_of_its_likelihood) {
  const measured_figure figure = made_up_figure(150, 3);  // More than one block of the inverse.
  const scaled_figure scaled{figure.points, figure.values.array() - 7, figure.noise};
  likelihood_computer likelihood(scaled);
  const covariance_law law{Eigen::Vector3d(2, 0.5, 0), 1.5, 0.002};
  const profile_likelihood found = likelihood(law, true);
  const auto difference = [&](const auto& change) {
    constexpr double step = 1e-5;
    covariance_law up = law;
    covariance_law down = law;
    change(up, step);
    change(down, -step);
    return (likelihood(up, false).value - likelihood(down, false).value) / (2 * step);
  };
  for (Eigen::Index a = 0; a < 2; ++a) {
    EXPECT_NEAR(found.by_relevance(a), difference([&](auto& l, double s) { l.relevance(a) += s; }), 1e-4);
  }
  // At its bound the third one can be moved upwards only.
  constexpr double step = 1e-9;
  covariance_law up = law;
  up.relevance(2) = step;
  EXPECT_NEAR(found.by_relevance(2), (likelihood(up, false).value - found.value) / step,
              1e-3 * std::abs(found.by_relevance(2)));
  EXPECT_NEAR(found.by_signal, difference([](auto& l, double s) { l.signal += s; }), 1e-4);
  EXPECT_NEAR(found.by_nugget, difference([](auto& l, double s) { l.nugget += s; }), 1e-3 * std::abs(found.by_nugget));
}

TEST(gaussian_process, inverts_triangles_of_any_size) {
  random_stream random(3, purpose::test);
  for (const Eigen::Index n : {1, 2, 63, 64, 65, 127, 128, 129, 200, 321}) {
    Eigen::MatrixXd lower = Eigen::MatrixXd::Zero(n, n);
    for (Eigen::Index j = 0; j < n; ++j) {
      for (Eigen::Index i = j; i < n; ++i) {
        lower(i, j) = i == j ? 1 + random.uniform() : random.normal() / static_cast<double>(n);
      }
    }
    Eigen::MatrixXd inverse = lower;
    inverse.triangularView<Eigen::StrictlyUpper>().setConstant(std::numeric_limits<double>::quiet_NaN());
    invert_lower_triangle(inverse);
    inverse.triangularView<Eigen::StrictlyUpper>().setZero();
    EXPECT_LT((inverse - lower.inverse()).cwiseAbs().maxCoeff(), 1e-13) << n;
  }
}

TEST(gaussian_process, at_many_points_is_better_than_any_neighbouring_law) {
  const measured_figure figure = made_up_figure(260, 3);
  const gaussian_process process = fit_in_unit_box(figure);
  EXPECT_LE(process.law().last_step, 1e-8);
  const scaled_figure scaled{figure.points, figure.values, figure.noise};
  likelihood_computer likelihood(scaled);
  const process_law& law = process.law();
  const covariance_law best{law.lengths.array().square().inverse(), law.signal, law.nugget};
  const double highest = likelihood(best, false).value;
  EXPECT_NEAR(highest, law.log_likelihood, 1e-7);
  for (const double factor : {0.9, 0.99, 1.01, 1.1}) {
    for (Eigen::Index a = 0; a < 3; ++a) {
      covariance_law other = best;
      other.relevance(a) *= factor;
      EXPECT_LT(likelihood(other, false).value, highest);
    }
    covariance_law other = best;
    other.signal *= factor;
    EXPECT_LT(likelihood(other, false).value, highest);
    other = best;
    other.nugget = best.nugget * factor + 1e-5 * (factor - 1);
    if (other.nugget >= 0) {
      EXPECT_LE(likelihood(other, false).value, highest);
    }
  }
}

TEST(gaussian_process, expects_its_own_errors) {
  const measured_figure figure = made_up_figure(120, 2, 0.1);
  const gaussian_process process = fit_in_unit_box(figure);
  const estimated_figure left_out = process.leave_one_out();
  // The mean of 120 squares of standard normal numbers has the standard deviation 0.13.
  EXPECT_NEAR(left_out.values.cwiseQuotient(left_out.standard_errors).squaredNorm() / 120, 1, 0.4);
  const measured_figure truth = made_up_figure(120, 2, 1e-9);  // Same points, no noise... of its first point at least.
  const estimated_figure there = process.predict(truth.points.topRows(1));
  EXPECT_NEAR(there.values(0), truth.values(0), 4 * there.standard_errors(0));
  EXPECT_LT(there.standard_errors(0), 0.1);
}

TEST(gaussian_process, follows_a_change_of_units) {
  const measured_figure figure = made_up_figure(40, 2);
  const gaussian_process process = fit_in_unit_box(figure);
  const measured_figure other{figure.points.array() * 1e6 - 3e6, figure.values.array() * 1e-30 + 5e-30,
                              figure.noise * 1e-60};
  const gaussian_process same(other, Eigen::Vector2d::Constant(-3e6), Eigen::Vector2d::Constant(-2e6));
  expect_same(same.law().lengths, process.law().lengths * 1e6, "lengths");
  EXPECT_NEAR(same.law().signal * 1e60, process.law().signal, bar * process.law().signal);
  const Eigen::MatrixXd places = Eigen::MatrixXd::Constant(1, 2, 0.4);
  const estimated_figure here = process.predict(places);
  const estimated_figure there = same.predict(places.array() * 1e6 - 3e6);
  EXPECT_NEAR(there.values(0) * 1e30 - 5, here.values(0), 1e-6);
  EXPECT_NEAR(there.standard_errors(0) * 1e30, here.standard_errors(0), 1e-6);
}

TEST(gaussian_process, predicts_a_constant_figure_with_its_error) {
  measured_figure figure = made_up_figure(25, 2);
  figure.values.setConstant(3.5);
  figure.noise.setConstant(0.04);
  const gaussian_process process = fit_in_unit_box(figure);
  EXPECT_EQ(process.law().signal, 0);
  EXPECT_EQ(process.law().nugget, 0);
  EXPECT_TRUE(std::isinf(process.law().lengths(0)));
  const estimated_figure found = process.predict(Eigen::MatrixXd::Constant(1, 2, 0.5));
  EXPECT_DOUBLE_EQ(found.values(0), 3.5);
  EXPECT_NEAR(found.standard_errors(0), std::sqrt(0.04 / 25), 1e-12);
  // Zero everywhere, for a network that never spikes.
  figure.values.setZero();
  EXPECT_EQ(fit_in_unit_box(figure).predict(figure.points).values.cwiseAbs().maxCoeff(), 0);
}

TEST(gaussian_process, takes_equal_points_as_measurements_of_one_figure) {
  // At two places far apart, ten values each: what is predicted there is almost their mean.
  measured_figure figure{Eigen::MatrixXd(20, 1), Eigen::VectorXd(20), Eigen::VectorXd::Constant(20, 1e-4)};
  random_stream random(5, purpose::test);
  for (Eigen::Index i = 0; i < 20; ++i) {
    figure.points(i, 0) = i < 10 ? 0 : 1;
    figure.values(i) = (i < 10 ? 1 : 2) + 0.01 * random.normal();
  }
  const gaussian_process process = fit_in_unit_box(figure);
  const estimated_figure found = process.predict(Eigen::Vector2d(0, 1));
  EXPECT_NEAR(found.values(0), figure.values.head(10).mean(), 1e-4);
  EXPECT_NEAR(found.values(1), figure.values.tail(10).mean(), 1e-4);
  EXPECT_NEAR(found.standard_errors(0), 0.01 / std::sqrt(10.0), 0.002);
}

TEST(gaussian_process, works_with_few_points_many_axes_and_hardly_any_noise) {
  for (const auto& [points, axes] : {std::pair(2, 1), std::pair(2, 10), std::pair(3, 10), std::pair(30, 10)}) {
    for (const double noise : {1e-150, 1e-12, 1e-3, 1e3}) {
      const measured_figure figure = made_up_figure(points, axes, noise);
      const estimated_figure found = fit_in_unit_box(figure).predict(figure.points);
      EXPECT_TRUE(found.values.allFinite() && found.standard_errors.allFinite())
          << points << " " << axes << " " << noise;
      if (points == 30 && noise < 1e-10) {
        EXPECT_LT((found.values - figure.values).cwiseAbs().maxCoeff(), 1e-2) << points << " " << axes << " " << noise;
      }
    }
  }
  measured_figure unequal = made_up_figure(40, 2);
  unequal.noise(7) = 1e12;  // As good as left out.
  unequal.values(7) = 1e5;
  const estimated_figure found = fit_in_unit_box(unequal).predict(unequal.points);
  EXPECT_LT((found.values - unequal.values).head(7).cwiseAbs().maxCoeff(), 0.5);
}

TEST(gaussian_process, has_the_same_bits_with_any_number_of_threads) {
  const measured_figure figure = made_up_figure(205, 2);
  const int before = omp_get_max_threads();
  omp_set_num_threads(1);
  const gaussian_process one = fit_in_unit_box(figure);
  const Eigen::VectorXd with_one = one.predict(figure.points).values;
  omp_set_num_threads(4);
  const gaussian_process four = fit_in_unit_box(figure);
  const Eigen::VectorXd with_four = four.predict(figure.points).values;
  omp_set_num_threads(before);
  EXPECT_EQ(one.law().lengths, four.law().lengths);
  EXPECT_EQ(with_one, with_four);
}

TEST(gaussian_process, stops_when_it_is_told) {
  int calls = 0;
  EXPECT_THROW(gaussian_process(made_up_figure(20, 2), Eigen::Vector2d::Zero(), Eigen::Vector2d::Ones(), "a rate",
                                [&] { return ++calls == 5; }),
               interrupted_error);
  EXPECT_EQ(calls, 5);
}

TEST(gaussian_process, refuses_what_has_no_regression) {
  const measured_figure good = made_up_figure(12, 2);
  measured_figure bad{good.points.topRows(1), good.values.head(1), good.noise.head(1)};
  EXPECT_THAT(refusal(bad), HasSubstr("1 point at the same place: at least 2 different points"));
  bad = {Eigen::MatrixXd(0, 2), Eigen::VectorXd(0), Eigen::VectorXd(0)};
  EXPECT_THAT(refusal(bad), HasSubstr("at least 2 different points"));
  bad = good;
  bad.points.rowwise() = good.points.row(3);
  EXPECT_THAT(refusal(bad), HasSubstr("12 points at the same place"));
  bad = good;
  bad.values(4) = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THAT(refusal(bad), HasSubstr("point 5 of 12"));
  bad = good;
  bad.points(5, 1) = std::numeric_limits<double>::infinity();
  EXPECT_THAT(refusal(bad), HasSubstr("point 6 of 12"));
  for (const double noise : {0.0, -1.0, std::numeric_limits<double>::quiet_NaN()}) {
    bad = good;
    bad.noise(2) = noise;
    EXPECT_THAT(refusal(bad), HasSubstr("the noise of point 3 of 12"));
  }
  bad = good;
  bad.values.conservativeResize(11);
  EXPECT_THAT(refusal(bad), HasSubstr("11 values, and 12 are needed"));
  bad = good;
  bad.values *= 1e200;
  EXPECT_THAT(refusal(bad), HasSubstr("give them in a unit"));
  EXPECT_THROW(gaussian_process(good, Eigen::Vector2d(0, 1), Eigen::Vector2d(1, 1)), input_error);
  EXPECT_THROW(fit_in_unit_box(good).predict(Eigen::MatrixXd::Zero(1, 3)), input_error);
  EXPECT_THROW(fit_in_unit_box(good).predict(Eigen::MatrixXd::Constant(1, 2, NAN)), input_error);
}

}  // namespace
}  // namespace spikesweep
