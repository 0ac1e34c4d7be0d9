#include <limits>

#include <gtest/gtest.h>

#include <spikesweep/base/random.hpp>

namespace spikesweep {
namespace {

TEST(random, numbers_lie_between_0_and_1_and_are_neither) {
  constexpr std::uint64_t all_bits = std::numeric_limits<std::uint64_t>::max();
  EXPECT_EQ(open_unit(0), 0x1p-54);
  EXPECT_LT(open_unit(all_bits), 1);
  EXPECT_GT(open_unit(all_bits), open_unit(all_bits - (std::uint64_t{1} << 20)));
  EXPECT_EQ(open_unit(std::uint64_t{1} << 63), 0.5);
}

}  // namespace
}  // namespace spikesweep
