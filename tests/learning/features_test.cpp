#include <cmath>

#include <gtest/gtest.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/learning/features.hpp>

namespace spikesweep {
namespace {

transition_space box() {
  transition_space space;
  space.axes = {"S_EE", "tau_IE"};
  space.axis_min = {3.5, 1.0};
  space.axis_max = {4.5, 1.0};
  return space;
}

TEST(features, dequantised_counts_come_back_exactly) {
  target_map targets(box(), false);
  targets.set_statistics({{3, 5, 7, 9, 11, 13}, {1, 2, 3, 4, 5, 6}},
                         {target_map::extremes{{0, 0, 0, 0, 0, 0}, {1e6, 1e6, 1e6, 1e6, 1e6, 1e6}}, {}, {}});
  const std::vector<std::int32_t> counts{0, 1, 17, 300, 4096, 99999};
  for (const double u : {0.001, 0.3, 0.999}) {
    const std::vector<double> noise(dequantised_dims, u);
    std::vector<double> y(count_dims);
    targets.raw(counts, 0.01, {}, noise, y);
    for (std::size_t k = 0; k < count_dims; ++k) {
      y[k] = (y[k] - targets.statistics().mean[k]) / targets.statistics().deviation[k];
    }
    std::vector<std::int32_t> back(count_dims);
    EXPECT_DOUBLE_EQ(targets.decode(phase_kind::step, y, back), 0.01) << "the length of a step";
    EXPECT_EQ(back, counts);
  }
}

TEST(features, samples_are_held_within_the_extremes_of_their_phase) {
  transition_space space = box();
  space.section.kind = section_kind::mfe;
  target_map targets(space, false);
  const std::vector<double> zero(7, 0.0);
  const std::vector<double> one(7, 1.0);
  target_map::extremes quiet{{0, 0, 0, 0, 0, 0, std::log(0.001)}, {2, 2, 2, 2, 2, 2, std::log(0.01)}};
  target_map::extremes active{{5, 5, 5, 5, 5, 5, std::log(0.002)}, {9, 9, 9, 9, 9, 9, std::log(0.02)}};
  targets.set_statistics({zero, one}, {target_map::extremes{}, active, quiet});
  const std::vector<double> far(7, 50.0);
  const std::vector<double> low(7, -50.0);
  std::vector<std::int32_t> counts(count_dims);
  EXPECT_NEAR(targets.decode(phase_kind::quiet, far, counts), 0.01, 1e-12);
  EXPECT_EQ(counts, std::vector<std::int32_t>(6, 2));
  EXPECT_NEAR(targets.decode(phase_kind::active, far, counts), 0.02, 1e-12);
  EXPECT_EQ(counts, std::vector<std::int32_t>(6, 9));
  EXPECT_NEAR(targets.decode(phase_kind::active, low, counts), 0.002, 1e-12);
  EXPECT_EQ(counts, std::vector<std::int32_t>(6, 5));
}

TEST(features, centres_are_mean_cells_and_mean_times) {
  transition_space space = box();
  space.layout.time_bins = 5;
  target_map targets(space);
  ASSERT_EQ(targets.first_centre(), count_dims);
  ASSERT_EQ(targets.dims(), count_dims + centre_dims);
  const auto cells = static_cast<std::size_t>(space.layout.state.cells());
  std::vector<float> profile(static_cast<std::size_t>(targets.profile_size()), 0.0F);
  profile[2] = 100;            // E neurons: a third of them in cell 2,
  profile[8] = 200;            // the others in cell 8.
  profile[cells + 3] = 100;    // All I neurons in cell 3.
  profile[2 * cells + 1] = 1;  // One E spike in the second of five bins, and no I spike.
  const std::vector<std::int32_t> counts{1, 0, 0, 0, 0, 0};
  std::vector<double> y(static_cast<std::size_t>(targets.dims()));
  for (const double u : {0.0, 0.5, 0.999}) {
    const std::vector<double> noise(dequantised_dims, u);
    targets.raw(counts, 0.01, profile, noise, y);
    const auto steps = static_cast<double>(cells - 1);
    EXPECT_DOUBLE_EQ(y[6], (100 * 2 + 200 * 8 + u) / (300 * steps + 1));
    EXPECT_DOUBLE_EQ(y[7], (100 * 3 + u) / (100 * steps + 1));
    EXPECT_DOUBLE_EQ(y[8], (1 + u) / 5);
    EXPECT_DOUBLE_EQ(y[9], u) << "of no spike it is uniform";
  }
}

TEST(features, what_the_profile_is_told_in_sampling_is_what_training_told_it) {
  transition_space space = box();
  space.section.kind = section_kind::mfe;
  space.layout.time_bins = 5;
  target_map targets(space);
  const std::vector<double> middle(dequantised_dims, 0.5);
  std::vector<float> profile(static_cast<std::size_t>(targets.profile_size()), 0.0F);
  const auto cells = static_cast<std::size_t>(space.layout.state.cells());
  profile[4] = 300;
  profile[cells + 5] = 100;
  profile[2 * cells + 1] = 7;
  const std::vector<std::int32_t> counts{7, 0, 4, 3, 2, 1};
  const auto dims = static_cast<std::size_t>(targets.dims());
  std::vector<double> raw(dims);
  targets.raw(counts, 0.003, profile, middle, raw);
  const column_statistics statistics{{1, 2, 3, 4, 5, 6, -5, 0.1, 0.2, 0.3, 0.4},
                                     {1, 2, 1, 2, 1, 2, 1, 0.1, 0.2, 0.1, 0.2}};
  const target_map::extremes wide{{0, 0, 0, 0, 0, 0, -9, 0, 0, 0, 0}, {9, 9, 9, 9, 9, 9, -3, 1, 1, 1, 1}};
  const target_map::extremes narrow{{0, 0, 0, 0, 0, 0, -9, 0, 0, 0.4, 0}, {9, 9, 9, 9, 9, 9, -3, 1, 1, 1, 1}};
  targets.set_statistics(statistics, {wide, wide, narrow});
  std::vector<float> told(dims);
  targets.standardise(raw, told);
  std::vector<double> sample(told.begin(), told.end());
  std::vector<float> out(dims);
  sample.back() = 3;  // The time of no spike: training told 0.5, whatever is drawn.
  targets.condition(phase_kind::active, counts, 0.003, sample, out);
  for (std::size_t k = 0; k < dims; ++k) {
    EXPECT_NEAR(out[k], told[k], 1e-5) << k;
  }
  targets.condition(phase_kind::quiet, counts, 0.003, sample, out);
  EXPECT_NEAR(out[9], 1, 1e-5) << "held within the extremes of its phase";
}

TEST(features, hold_shares_pending_and_scaled_axes) {
  const transition_space space = box();
  const feature_map features(space);
  const auto& layout = space.layout.state;
  const parameters p;
  std::vector<std::int32_t> state(static_cast<std::size_t>(layout.size()), 0);
  state[0] = 300;                                                                // All of E in the lowest bin,
  state[static_cast<std::size_t>(layout.refractory_cell(population::I))] = 100;  // all of I refractory.
  state[static_cast<std::size_t>(layout.pending(pool::EE))] = 90;
  std::vector<float> x(static_cast<std::size_t>(features.size()));
  const std::vector<double> values{4.25, 1.0};
  features.raw(p, values, phase_kind::step, state, x);
  const auto cells = static_cast<std::size_t>(layout.cells());
  EXPECT_FLOAT_EQ(x[0], 1);
  EXPECT_FLOAT_EQ(x[2 * cells - 1], 1);
  EXPECT_FLOAT_EQ(x[2 * cells], static_cast<float>(std::log1p(90)));
  EXPECT_FLOAT_EQ(x[2 * cells + 1], 2);  // 90 pending kicks are two fan-outs of 0.15 x 300.
  EXPECT_FLOAT_EQ(x[2 * cells + 8], 0.5F);
  EXPECT_FLOAT_EQ(x[2 * cells + 9], 0);  // An axis that does not vary says nothing.
}

TEST(features, the_range_is_that_of_the_design_whatever_its_points_reach) {
  transition_space space;
  space.axes = {"tau_EI"};
  space.axis_min = {3.00549};
  space.axis_max = {6.97424};
  EXPECT_GT(distance_to_training(space, std::vector<double>{3.0}), 0);
  space.box_min = {3};
  space.box_max = {7};
  EXPECT_EQ(distance_to_training(space, std::vector<double>{3.0}), 0);
  EXPECT_EQ(distance_to_training(space, std::vector<double>{7.0}), 0);
  EXPECT_DOUBLE_EQ(distance_to_training(space, std::vector<double>{8.0}), 0.25);
}

TEST(features, distance_to_training_counts_the_excess) {
  const transition_space space = box();
  EXPECT_EQ(distance_to_training(space, std::vector<double>{4.0, 1.0}), 0);
  EXPECT_DOUBLE_EQ(distance_to_training(space, std::vector<double>{5.0, 1.0}), 0.5);
  EXPECT_DOUBLE_EQ(distance_to_training(space, std::vector<double>{3.25, 1.0}), 0.25);
  EXPECT_TRUE(std::isinf(distance_to_training(space, std::vector<double>{4.0, 1.1})));
  EXPECT_THROW(parameters_at(space, std::vector<double>{-1, 1.0}), input_error);
}

TEST(features, squared_axis_distance_measures_each_axis_by_its_range) {
  transition_space space = box();
  space.axis_max = {5.5, 1.5};  // Ranges of 2 and 0.5.
  const std::vector<double> a{4.0, 1.25};
  const std::vector<double> b{5.0, 1.0};
  EXPECT_DOUBLE_EQ(squared_axis_distance(space, a, b), 0.25 + 0.25);
  EXPECT_EQ(squared_axis_distance(space, a, b), squared_axis_distance(space, b, a));
  // The second axis of the box was not varied.
  EXPECT_EQ(squared_axis_distance(box(), std::vector<double>{4.0, 1.0}, std::vector<double>{4.0, 1.0}), 0);
  EXPECT_TRUE(std::isinf(squared_axis_distance(box(), std::vector<double>{4.0, 1.0}, std::vector<double>{4.0, 1.1})));
}

}  // namespace
}  // namespace spikesweep
