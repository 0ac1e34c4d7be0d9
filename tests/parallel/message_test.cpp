#include <array>
#include <chrono>
#include <thread>

#include <gtest/gtest.h>

#include <spikesweep/parallel/collective.hpp>
#include <spikesweep/parallel/message.hpp>

namespace spikesweep {
namespace {

/// Far more than MPI takes without a receiver.
struct long_message {
  int number = 0;
  std::array<char, 1 << 20> rest{};
};
std::size_t size_of(const long_message& message) {
  return sizeof message;
}

TEST(outbox, never_waits_for_a_rank_that_does_not_listen) {
  const communicator world;
  constexpr int tag = 7;
  constexpr int messages = 20;
  if (world.rank() == 0) {
    outbox out(world);
    auto message = std::make_unique<long_message>();
    for (int i = 0; i < messages; ++i) {
      message->number = i;
      for (int to = 1; to < world.size(); ++to) {
        out.send(to, tag, *message);
      }
    }
    world.barrier();  // Only now do the others listen: who waits above waits for ever.
    while (out.under_way() > 0) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  } else {
    world.barrier();
    for (int i = 0; i < messages; ++i) {
      EXPECT_EQ(receive_message<long_message>(world, 0, tag).number, i);
    }
  }
}

}  // namespace
}  // namespace spikesweep
