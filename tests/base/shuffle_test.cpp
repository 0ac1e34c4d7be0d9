#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

#include <gtest/gtest.h>

#include <spikesweep/base/random.hpp>

namespace spikesweep {
namespace {

TEST(shuffle, keeps_the_items_and_is_a_function_of_the_stream) {
  std::vector<int> items{1, 2, 3, 4, 5, 6, 7, 8};
  const std::vector<int> sorted = items;
  std::vector<int> same = items;
  shuffle(items, random_stream(7, purpose::test));
  shuffle(same, random_stream(7, purpose::test));
  EXPECT_EQ(items, same);
  EXPECT_TRUE(std::ranges::is_permutation(items, sorted));
  EXPECT_NE(items, sorted);
}

TEST(shuffle, gives_every_order_alike) {
  constexpr int times = 24000;
  std::map<std::vector<int>, int> seen;
  random_stream random(8, purpose::test);
  for (int i = 0; i < times; ++i) {
    std::vector<int> items{0, 1, 2, 3};
    shuffle(items, random);
    ++seen[items];
  }
  ASSERT_EQ(seen.size(), 24U);
  const double expected = times / 24.0;
  for (const auto& [order, count] : seen) {
    EXPECT_LT(std::abs(count - expected), 5 * std::sqrt(expected));
  }
}

TEST(shuffle, draws_nothing_for_fewer_than_two_items) {
  random_stream random(9, purpose::test);
  random_stream untouched = random;
  std::vector<int> none;
  std::vector<int> one{1};
  shuffle(none, random);
  shuffle(one, random);
  EXPECT_EQ(random.word(), untouched.word());
}

}  // namespace
}  // namespace spikesweep
