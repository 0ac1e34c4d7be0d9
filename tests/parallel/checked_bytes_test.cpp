#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <spikesweep/parallel/bytes.hpp>
#include <spikesweep/parallel/checked_bytes.hpp>

namespace spikesweep {
namespace {

using texts = std::vector<std::string>;

TEST(checked_bytes, give_back_the_value) {
  EXPECT_EQ(value_in<texts>(to_bytes(texts{"a", "", "bc"})), (texts{"a", "", "bc"}));
  EXPECT_EQ(value_in<std::vector<double>>(to_bytes(std::vector<double>{1, 2})), (std::vector<double>{1, 2}));
}

TEST(checked_bytes, that_are_cut_off_or_too_many_are_none) {
  const std::string bytes = to_bytes(texts{"a", "bc"});
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_EQ(value_in<texts>(bytes.substr(0, length)), std::nullopt) << length;
  }
  EXPECT_EQ(value_in<texts>(bytes + 'x'), std::nullopt);
}

// Wherever a length stands: no memory is asked for that the bytes cannot fill. A wrong one would end the test.
TEST(checked_bytes, with_a_great_length_are_none) {
  const std::string bytes = to_bytes(texts{"a", "bc"});
  const std::uint64_t great = std::uint64_t{1} << 46;
  int refused = 0;
  for (std::size_t at = 0; at + sizeof great <= bytes.size(); ++at) {
    std::string changed = bytes;
    std::memcpy(changed.data() + at, &great, sizeof great);
    refused += value_in<texts>(changed) ? 0 : 1;
  }
  EXPECT_GE(refused, 3);  // Where the lengths of the list and of both texts stand.
  std::string numbers = to_bytes(std::vector<double>{1, 2});
  std::memcpy(numbers.data(), &great, sizeof great);
  EXPECT_EQ(value_in<std::vector<double>>(numbers), std::nullopt);
}

}  // namespace
}  // namespace spikesweep
