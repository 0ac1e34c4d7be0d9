// The shift is fitted to figures that a formula gives: nothing is simulated here.
#include <cmath>
#include <limits>
#include <random>

#include <gtest/gtest.h>

#include <spikesweep/surrogate/tuning.hpp>

namespace spikesweep {
namespace {

constexpr double undefined = std::numeric_limits<double>::quiet_NaN();

transition_space box() {
  transition_space space;
  space.axes = {"S_EE", "S_IE", "S_EI"};
  space.axis_min = {3.5, 2.5, 1.5};
  space.axis_max = {4.5, 3.5, 2.5};
  return space;
}

/// Figures as they might depend on the scaled axes: two rates, a Fano factor and a peak.
Eigen::RowVectorXd figures_at(const std::vector<double>& x) {
  return Eigen::RowVectorXd{{12 * std::exp(0.3 * x[0] - 0.2 * x[1] - 0.6 * x[2] + 0.1 * x[0] * x[2]),
                             40 * std::exp(0.4 * x[0] + 0.1 * x[1] - 0.3 * x[2]),
                             5 * std::exp(0.2 * x[0] + 0.1 * x[2]), 50 + 3 * x[1]}};
}

const std::vector<std::string> names{"rate_E_hz", "rate_I_hz", "fano_E_1ms", "peak_hz"};
constexpr Eigen::Index fano = 2;

class tuning : public ::testing::Test {
 protected:
  tuning() {
    for (const std::string& name : names) {
      target_.figures.emplace_back(figure_named(name));
    }
    std::mt19937 engine(1);
    std::uniform_real_distribution<double> uniform(0, 1);
    constexpr Eigen::Index points = 200;
    const auto axes = static_cast<Eigen::Index>(space_.axes.size());
    target_.wanted.resize(points, 4);
    target_.slopes.assign(4, Eigen::MatrixXd(points, axes));
    for (Eigen::Index i = 0; i < points; ++i) {
      std::vector<double> values;
      for (std::size_t a = 0; a < space_.axes.size(); ++a) {
        values.push_back(space_.axis_min[a] + uniform(engine) * (space_.axis_max[a] - space_.axis_min[a]));
      }
      target_.points.push_back(values);
      const auto x = scaled_axes(space_, values);
      target_.wanted.row(i) = numbers(figures_at(x));
      for (Eigen::Index a = 0; a < axes; ++a) {
        constexpr double h = 1e-4;
        auto above = x;
        auto below = x;
        above[static_cast<std::size_t>(a)] += h;
        below[static_cast<std::size_t>(a)] -= h;
        const Eigen::RowVectorXd slope = (numbers(figures_at(above)) - numbers(figures_at(below))) / (2 * h);
        for (std::size_t f = 0; f < 4; ++f) {
          target_.slopes[f](i, a) = slope(static_cast<Eigen::Index>(f));
        }
      }
    }
  }

  Eigen::RowVectorXd numbers(Eigen::RowVectorXd figures) const {
    for (std::size_t f = 0; f < names.size(); ++f) {
      const auto k = static_cast<Eigen::Index>(f);
      figures(k) = tuned_number(target_.figures[f], figures(k));
    }
    return figures;
  }

  /// A surrogate whose rates are off by 4 % and -2 %, more so at one end of the first axis, whose Fano factor is 8 % low
  /// and grows with the noise, and whose peak is 0.3 Hz low; with some noise, as if it had been simulated.
  Eigen::RowVectorXd off(const std::vector<double>& values, const input_shift& shift, double noise) {
    Eigen::RowVectorXd found = figures_at(scaled_axes(space_, shifted(space_, shift, values)));
    const double bias = 1 + 0.5 * scaled_axes(space_, values)[0];
    found(0) *= std::exp(0.04 * bias + noise * normal_(engine_));
    found(1) *= std::exp(-0.02 * bias + noise * normal_(engine_));
    found(2) *= std::exp(-0.08 + noise * normal_(engine_)) * std::pow(noise_scale(space_, shift, values), 0.7);
    found(3) += -0.3 + noise * normal_(engine_);
    return found;
  }

  measure_figures_of surrogate(double noise) {
    return [this, noise](const input_shift& shift) {
      Eigen::MatrixXd found(target_.wanted.rows(), target_.wanted.cols());
      for (Eigen::Index i = 0; i < found.rows(); ++i) {
        found.row(i) = off(target_.points[static_cast<std::size_t>(i)], shift, noise);
      }
      return found;
    };
  }

  transition_space space_ = box();
  tuning_target target_;
  std::mt19937 engine_{2};
  std::normal_distribution<double> normal_;
};

TEST_F(tuning, takes_smooth_errors_of_all_figures_away) {
  input_shift shift;
  const auto record = fit_shift(space_, target_, surrogate(0), shift);
  ASSERT_EQ(record.size(), 4U);
  EXPECT_GT(record[0].before, 4);     // %
  EXPECT_GT(record[2].before, 7.5);   // %
  EXPECT_GT(record[3].before, 0.29);  // Hz
  EXPECT_LT(record[0].after, 0.15);
  EXPECT_LT(record[1].after, 0.15);
  EXPECT_LT(record[2].after, 0.15);
  EXPECT_LT(record[3].after, 0.015);
  EXPECT_GT(noise_scale(space_, shift, std::vector<double>{4, 3, 2}), 1.02) << "the Fano factor needs more noise";
}

// 200 points with noise of 1 % each: the ten terms of a quadratic carry sqrt(10 / 200) of it, 0.22 %, to any one point,
// in root mean square; three times that is not exceeded in the mean over points that were not used.
TEST_F(tuning, noise_averages_out) {
  input_shift shift;
  fit_shift(space_, target_, surrogate(0.01), shift);
  ASSERT_LE(shift.degree, 2);  // The errors are linear in the axes, so nothing speaks for a cubic.
  double squares = 0;
  for (int i = 0; i < 10; ++i) {
    const double a = -0.9 + 0.2 * i;
    const std::vector<double> unseen{4 + 0.5 * a, 3 - 0.4 * a, 2 + 0.3 * a * a};
    const double error = off(unseen, shift, 0)(0) / figures_at(scaled_axes(space_, unseen))(0) - 1;
    squares += error * error / 10;
  }
  EXPECT_LT(std::sqrt(squares), 3 * 0.0022);
}

TEST_F(tuning, keeps_no_shift_that_makes_things_worse) {
  input_shift shift;
  int call = 0;
  const auto perverse = [&](const input_shift&) {
    ++call;
    return Eigen::MatrixXd(target_.wanted.array().exp() * (1 + 0.01 * call));
  };
  const auto record = fit_shift(space_, target_, perverse, shift);
  EXPECT_EQ(call, 6);
  EXPECT_TRUE(shift.empty());
  EXPECT_TRUE(shift.log_noise.empty());
  EXPECT_EQ(record[0].after, record[0].before);
}

TEST_F(tuning, of_one_figure_does_not_need_the_others) {
  target_.wanted.rightCols(3).setConstant(undefined);
  const auto silent = [&](const input_shift& shift) {
    Eigen::MatrixXd found = surrogate(0)(shift);
    found.rightCols(3).setConstant(undefined);
    return found;
  };
  input_shift shift;
  const auto record = fit_shift(space_, target_, silent, shift);
  ASSERT_EQ(record.size(), 1U);
  EXPECT_GT(record[0].before, 4);
  EXPECT_LT(record[0].after, 0.15);
}

TEST_F(tuning, uses_a_point_for_the_figures_that_it_has) {
  for (Eigen::Index i = 0; i < target_.wanted.rows(); i += 2) {
    target_.wanted(i, 1) = undefined;
  }
  const auto half_silent = [&](const input_shift& shift) {
    Eigen::MatrixXd found = surrogate(0)(shift);
    for (Eigen::Index i = 0; i < found.rows(); i += 2) {
      found(i, 1) = 50;
    }
    return found;
  };
  input_shift shift;
  const auto record = fit_shift(space_, target_, half_silent, shift);
  EXPECT_LT(record[0].after, 0.15);
  EXPECT_LT(record[1].after, 0.15);
}

// One point in ten runs away: its figures are undefined, and count as 5 typical errors whatever the shift is.
TEST_F(tuning, is_not_led_astray_by_runaways) {
  const auto some_run_away = [&](const input_shift& shift) {
    Eigen::MatrixXd found = surrogate(0)(shift);
    for (Eigen::Index i = 0; i < found.rows(); i += 10) {
      found.row(i).setConstant(undefined);
    }
    return found;
  };
  input_shift shift;
  fit_shift(space_, target_, some_run_away, shift);
  ASSERT_FALSE(shift.empty());
  const std::vector<double> middle{4, 3, 2};
  const Eigen::RowVectorXd truth = figures_at(scaled_axes(space_, middle));
  EXPECT_LT(std::abs(off(middle, shift, 0)(0) / truth(0) - 1), 0.02);
  EXPECT_LT(std::abs(off(middle, shift, 0)(fano) / truth(fano) - 1), 0.03);
}

TEST_F(tuning, too_few_points_are_not_measured_at) {
  target_.points.resize(11);  // A linear fit in three axes has four coefficients.
  target_.wanted.conservativeResize(11, 4);
  input_shift shift{1, {1, 2, 3}, {}};
  const auto record = fit_shift(
      space_, target_, [](const input_shift&) -> Eigen::MatrixXd { throw std::logic_error("asked"); }, shift);
  EXPECT_TRUE(shift.empty());
  EXPECT_TRUE(record.empty());
}

TEST(input_shift_noise, is_held_within_bounds_and_one_without_a_shift) {
  const transition_space space = box();
  EXPECT_EQ(noise_scale(space, {}, std::vector<double>{4, 3, 2}), 1);
  const input_shift shift{1, std::vector<double>(12, 0.0), {0, 5, 0, 0}};
  EXPECT_EQ(noise_scale(space, shift, std::vector<double>{4, 3, 2}), 1);
  EXPECT_EQ(noise_scale(space, shift, std::vector<double>{4.5, 3, 2}), largest_noise_scale);
  EXPECT_EQ(noise_scale(space, shift, std::vector<double>{3.5, 3, 2}), 1 / largest_noise_scale);
  EXPECT_NEAR(noise_scale(space, shift, std::vector<double>{4.05, 3, 2}), std::exp(0.5), 1e-12);
}

}  // namespace
}  // namespace spikesweep
