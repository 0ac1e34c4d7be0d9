#include <cmath>
#include <numbers>

#include <gtest/gtest.h>

#include <spikesweep/base/dct.hpp>

namespace spikesweep {
namespace {

TEST(dct, cosines_are_those_of_libm) {
  for (const std::size_t cells : {1U, 2U, 7U, 42U}) {
    const auto cosine = dct_cosines(cells);
    ASSERT_EQ(cosine.size(), 4 * cells);
    for (std::size_t mode = 0; mode < cells; ++mode) {
      for (std::size_t cell = 0; cell < cells; ++cell) {
        const double angle = std::numbers::pi * static_cast<double>(mode * (2 * cell + 1)) / (2.0 * cells);
        EXPECT_NEAR(cosine[mode * (2 * cell + 1) % (4 * cells)], std::cos(angle), 1e-13);
      }
    }
  }
}

}  // namespace
}  // namespace spikesweep
