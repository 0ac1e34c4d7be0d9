// Regressions of the figures of a sweep, on any number of ranks.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/base/random.hpp>
#include <spikesweep/learning/emulator.hpp>
#include <spikesweep/parallel/collective.hpp>
#include <spikesweep/store/hdf5.hpp>
#include <spikesweep/store/sweep_file.hpp>

#include "store/sweep_samples.hpp"

namespace spikesweep {
namespace {

using testing::error_of;
using ::testing::HasSubstr;
using testing::scratch_directory;

constexpr double undefined = std::numeric_limits<double>::quiet_NaN();
constexpr double noise = 0.01;

emulated_figure figure_from(const std::string& name, bool in_logarithms, const std::vector<double>& values,
                            double relative_error) {
  emulated_figure f;
  f.name = name;
  f.in_logarithms = in_logarithms;
  f.values = values;
  for (const double value : values) {
    f.standard_errors.push_back(relative_error * std::abs(value));
  }
  return f;
}

/// What a rate could be over the unit square.
double truth(double x, double y) {
  return 20 * std::exp(0.6 * std::sin(3 * x) - 0.8 * y);
}

/// Some figures at 60 points of the unit square.
emulator made_up() {
  emulator e;
  random_stream random(8, purpose::test);
  constexpr int points = 60;
  e.points.resize(points, 2);
  e.lower = Eigen::Vector2d::Zero();
  e.upper = Eigen::Vector2d::Ones();
  std::vector<double> rate;
  std::vector<double> peak;
  for (int i = 0; i < points; ++i) {
    e.points(i, 0) = random.uniform();
    e.points(i, 1) = random.uniform();
    rate.push_back(truth(e.points(i, 0), e.points(i, 1)) * (1 + noise * random.normal()));
    peak.push_back(i % 3 == 0 ? undefined : 40 + 5 * e.points(i, 0));
  }
  e.figures.push_back(figure_from("rate_E_hz", true, rate, noise));
  e.figures.push_back(figure_from("peak_hz", false, peak, 1e-3));
  e.figures.push_back(figure_from("size_cv", false, std::vector<double>(points, undefined), noise));
  e.figures.push_back(figure_from("fano_E_1ms", false, std::vector<double>(points, 1.5), noise));
  return e;
}

Eigen::MatrixXd new_points() {
  Eigen::MatrixXd points(3, 2);
  points << 0.3, 0.6, 0.75, 0.2, 0.5, 0.5;
  return points;
}

TEST(emulator, is_close_to_the_truth_where_nothing_was_measured) {
  emulator e = made_up();
  fit_emulator(communicator(), e);
  ASSERT_TRUE(e.usable());
  const emulation found = emulate(e, new_points());
  for (Eigen::Index i = 0; i < 3; ++i) {
    const double expected = truth(new_points()(i, 0), new_points()(i, 1));
    const auto k = static_cast<std::size_t>(i);
    const double error = found.errors[k]["rate_E_hz"];
    EXPECT_GT(error, 0);
    EXPECT_LT(error, noise * expected) << "60 points know more than one";
    EXPECT_NEAR(found.figures[k]["rate_E_hz"], expected, 4 * error);
    EXPECT_NEAR(found.figures[k]["peak_hz"], 40 + 5 * new_points()(i, 0), 0.1) << "from two thirds of the points";
    EXPECT_NEAR(found.figures[k]["fano_E_1ms"], 1.5, 1e-3) << "a figure that is the same everywhere";
    EXPECT_TRUE(std::isnan(found.figures[k]["size_cv"]));
    EXPECT_TRUE(std::isnan(found.figures[k]["rate_I_hz"])) << "there is no such regression";
  }
  EXPECT_FALSE(e.figures[2].law.has_value());
  EXPECT_THAT(e.figures[2].reason, HasSubstr("at 0 of 60 training points"));
}

TEST(emulator, takes_values_without_errors_too) {
  emulator e = made_up();
  for (std::size_t i = 0; i < 30; ++i) {
    e.figures[0].standard_errors[2 * i] = undefined;
  }
  e.figures[1].standard_errors.assign(60, undefined);
  fit_emulator(self(), e);
  const emulation found = emulate(e, new_points());
  EXPECT_NEAR(found.figures[0]["rate_E_hz"], truth(0.3, 0.6), 4 * found.errors[0]["rate_E_hz"]);
  EXPECT_LT(found.errors[0]["rate_E_hz"], noise * truth(0.3, 0.6));
  EXPECT_NEAR(found.figures[0]["peak_hz"], 41.5, 0.1);
}

TEST(emulator, has_the_same_laws_on_any_number_of_ranks) {
  emulator alone = made_up();
  emulator shared = made_up();
  fit_emulator(self(), alone);
  fit_emulator(communicator(), shared);
  for (std::size_t i = 0; i < alone.figures.size(); ++i) {
    ASSERT_EQ(alone.figures[i].law.has_value(), shared.figures[i].law.has_value());
    EXPECT_EQ(alone.figures[i].reason, shared.figures[i].reason);
    if (alone.figures[i].law) {
      EXPECT_EQ(alone.figures[i].law->lengths, shared.figures[i].law->lengths);
      EXPECT_EQ(alone.figures[i].law->signal, shared.figures[i].law->signal);
      EXPECT_EQ(alone.figures[i].law->nugget, shared.figures[i].law->nugget);
    }
  }
}

TEST(emulator, stops_on_all_ranks) {
  emulator e = made_up();
  const communicator world;
  EXPECT_THROW(fit_emulator(world, e, [&] { return world.rank() == 0; }), interrupted_error);
}

TEST(emulator, is_read_back_with_the_same_predictions) {
  const scratch_directory scratch;
  emulator e = made_up();
  fit_emulator(self(), e);
  {
    hdf5::file file = hdf5::file::create(scratch / "m.h5");
    write_emulator(file.root(), e, {"S_EE", "S_EI"});
    file.close();
  }
  const emulator read = read_emulator(hdf5::file::open(scratch / "m.h5").root(), 2);
  ASSERT_EQ(read.figures.size(), e.figures.size());
  const emulation before = emulate(e, new_points());
  const emulation after = emulate(read, new_points());
  for (std::size_t i = 0; i < before.figures.size(); ++i) {
    EXPECT_TRUE(testing::same_numbers(before.figures[i].values, after.figures[i].values));
    EXPECT_TRUE(testing::same_numbers(before.errors[i].values, after.errors[i].values));
  }
  EXPECT_THAT(error_of<input_error>([&] { read_emulator(hdf5::file::open(scratch / "m.h5").root(), 3); }),
              HasSubstr("do not fit the axes"));
}

/// A sweep of six points with two replicates, whose figures are made up. The points 1 and 2 are held out.
TEST(emulator, takes_the_mean_over_replicates_at_the_training_points) {
  const scratch_directory scratch;
  const sweep_description d = testing::small_sweep();
  testing::make_file(scratch / "s.h5", d, {0, 1, 2, 6, 7, 9});
  const emulator e = measure_figures(sweep_reader(scratch / "s.h5"));
  ASSERT_EQ(e.points.rows(), 3);  // Points 0, 3 and 4: of point 1 there is one task, but it is held out.
  EXPECT_EQ(e.points(0, 0), d.points.points(0, 0));
  EXPECT_EQ(e.points(1, 0), d.points.points(3, 0));
  EXPECT_EQ(e.points(2, 0), d.points.points(4, 0));
  const auto rate_of = [&](int point, int replicate) {
    return testing::made_up_task(d, point, replicate).figures.values.front();
  };
  const auto error_of_rate = [&](int point, int replicate) {
    return testing::made_up_task(d, point, replicate).figures.standard_errors.front();
  };
  const emulated_figure& rate = e.figures.front();
  EXPECT_EQ(rate.name, "rate_E_hz");
  EXPECT_TRUE(rate.in_logarithms);
  EXPECT_DOUBLE_EQ(rate.values[1], (rate_of(3, 0) + rate_of(3, 1)) / 2);
  EXPECT_DOUBLE_EQ(rate.standard_errors[1], std::hypot(error_of_rate(3, 0), error_of_rate(3, 1)) / 2);
  EXPECT_DOUBLE_EQ(rate.values[2], rate_of(4, 1)) << "its other replicate is not done";
  // Replicate 1 has no width of the peak in this sweep.
  const auto width = std::ranges::find(e.figures, "peak_width_hz", &emulated_figure::name);
  ASSERT_NE(width, e.figures.end());
  EXPECT_FALSE(std::isnan(width->values[1]));
  EXPECT_TRUE(std::isnan(width->values[2]));
  EXPECT_FALSE(width->in_logarithms);
}

TEST(emulator, of_a_sweep_of_an_older_version_has_rates_alone) {
  const emulator e = measure_figures(
      sweep_reader(std::filesystem::path(SPIKESWEEP_SOURCE_DIR) / "tests" / "fixtures" / "0.1.0" / "sweep.h5"));
  EXPECT_GT(e.points.rows(), 0);
  for (const emulated_figure& f : e.figures) {
    const bool is_rate = f.name == "rate_E_hz" || f.name == "rate_I_hz";
    EXPECT_TRUE(std::ranges::all_of(f.values, [&](double x) { return std::isfinite(x) == is_rate; })) << f.name;
    EXPECT_TRUE(std::ranges::all_of(f.standard_errors, [](double x) { return std::isnan(x); })) << f.name;
  }
}

}  // namespace
}  // namespace spikesweep
