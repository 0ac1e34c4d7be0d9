#include <cmath>

#include <gtest/gtest.h>

#include <spikesweep/learning/input_shift.hpp>

namespace spikesweep {
namespace {

transition_space box() {
  transition_space space;
  space.axes = {"S_EE", "S_EI"};
  space.axis_min = {3.5, 1.0};
  space.axis_max = {4.5, 1.0};  // The second one does not vary.
  return space;
}

TEST(polynomial_basis, has_every_product_of_powers_once) {
  EXPECT_EQ(polynomial_basis(4, 2).terms(), 15);  // binomial(4 + 2, 2)
  EXPECT_EQ(polynomial_basis(1, 3).terms(), 4);
  EXPECT_EQ(polynomial_basis(3, 0).terms(), 1);
  EXPECT_EQ(polynomial_basis(2, 2).at(std::vector{2.0, 3.0}), (std::vector{1.0, 2.0, 3.0, 4.0, 6.0, 9.0}));
}

TEST(polynomial_basis, slopes_are_difference_quotients) {
  const polynomial_basis basis(3, 3);
  const std::vector<double> x{0.3, -0.8, 0.5};
  constexpr double step = 1e-6;
  for (int which = 0; which < 3; ++which) {
    std::vector<double> ahead = x;
    std::vector<double> behind = x;
    ahead[static_cast<std::size_t>(which)] += step;
    behind[static_cast<std::size_t>(which)] -= step;
    const auto slope = basis.slope(x, which);
    for (std::size_t t = 0; t < slope.size(); ++t) {
      EXPECT_NEAR(slope[t], (basis.at(ahead)[t] - basis.at(behind)[t]) / (2 * step), 1e-8);
    }
  }
}

TEST(input_shift, moves_by_half_ranges_and_stays_small) {
  const transition_space space = box();
  const std::vector<double> values{4.25, 1.0};  // Scaled: 0.5 and 0.
  EXPECT_EQ(scaled_axes(space, values), (std::vector{0.5, 0.0}));
  EXPECT_EQ(shifted(space, {}, values), values);
  input_shift shift{1, {0.02, 0.1, 0.06, 0, 0, 0}};  // 0.02 + 0.06 x of the first axis; 0.1 of the second.
  EXPECT_NEAR(shifted(space, shift, values)[0], 4.25 + 0.5 * (0.02 + 0.06 * 0.5), 1e-12);
  EXPECT_EQ(shifted(space, shift, values)[1], 1.0);
  shift.coefficients[0] = 50;
  EXPECT_NEAR(shifted(space, shift, values)[0], 4.25 + 0.5 * largest_shift, 1e-12);
  shift.coefficients = {0, 0, 0.1, 0, 0, 0};
  const double outside = shifted(space, shift, std::vector{9.0, 1.0})[0] - 9.0;
  EXPECT_NEAR(outside, 0.5 * 0.1, 1e-12);  // As at the edge, not as far out.
}

}  // namespace
}  // namespace spikesweep
