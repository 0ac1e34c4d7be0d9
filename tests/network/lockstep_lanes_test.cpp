#include "network/lockstep_lanes.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include <gtest/gtest.h>

#include <spikesweep/base/random.hpp>

namespace spikesweep {
namespace {

TEST(lockstep_lanes, lists_keep_their_members_when_they_outgrow_the_room_of_all) {
  const parameters p;
  lockstep_lanes lanes(3);
  using lists = std::array<std::vector<std::uint16_t>, lane_lists>;
  std::array<lists, lane_count> expected;
  for (int lane = 0; lane < lane_count; ++lane) {
    lanes.assign(lane, p, static_cast<std::uint32_t>(lane), 0);
    lanes.wake(lane, p);
  }
  // Each list takes 8192 at last, of which three quarters were outgrown before.
  constexpr int most_members = 5000;
  lanes.most_items = std::int64_t{lane_count} * lane_lists * 10'000;
  random_stream random(1, purpose::task, 0, 0);
  for (int n = 0; n < lane_count * lane_lists * most_members; ++n) {
    const auto lane = static_cast<int>(random.below(lane_count));
    const auto of = random.below(lane_lists);
    const auto kind = static_cast<lane_list>(of);
    auto& members = expected[static_cast<std::size_t>(lane)][of];
    if (static_cast<int>(members.size()) == most_members) {
      continue;
    }
    const auto neuron = static_cast<std::uint16_t>(random.below(400));
    const std::int32_t size = lanes.count(kind, lane);
    lanes.reserve(kind, lane, size + 1);
    lanes.list(kind, lane)[size] = neuron;
    lanes.size[of][static_cast<std::size_t>(lane)] = static_cast<float>(size + 1);
    members.push_back(neuron);
    ASSERT_LE(std::ssize(lanes.items), lanes.most_items);
  }
  for (int lane = 0; lane < lane_count; ++lane) {
    const auto l = static_cast<std::size_t>(lane);
    EXPECT_EQ(lanes.save(lane).list, expected[l]) << "lane " << lane;
    for (int i = 0; i < p.N_E + p.N_I; ++i) {
      ASSERT_EQ(lanes.items[static_cast<std::size_t>(lanes.neurons_E[l] + i)], i);
    }
    EXPECT_EQ(lanes.neurons_I[l] - lanes.neurons_E[l], p.N_E);
  }
}

}  // namespace
}  // namespace spikesweep
