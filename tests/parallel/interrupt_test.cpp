// Notes of interrupts. That sweeps, trainings and the others end at a signal is tested where they are.
#include <csignal>
#include <stdexcept>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include <spikesweep/parallel/interrupt.hpp>

namespace spikesweep {
namespace {

TEST(interrupt_note, is_called_once_by_the_first_look_that_finds_a_signal) {
  const interrupt_guard guard;
  std::string said;
  const interrupt_note note([&said] {
    said += "asked ";
    EXPECT_TRUE(interrupted()) << "it may look, too";
  });
  EXPECT_FALSE(interrupted());
  EXPECT_EQ(said, "");
  ASSERT_EQ(std::raise(SIGTERM), 0);
  EXPECT_EQ(said, "") << "nothing is done within the signal";
  EXPECT_TRUE(interrupted());
  EXPECT_EQ(said, "asked ");
  ASSERT_EQ(std::raise(SIGTERM), 0);
  EXPECT_EQ(interrupts(), 2);
  EXPECT_EQ(said, "asked ");
}

TEST(interrupt_note, comes_after_those_made_later_and_even_if_they_fail) {
  const interrupt_guard guard;
  std::string said;
  const interrupt_note outer([&said] { said += "outer "; });
  const interrupt_note inner([&said] {
    said += "inner ";
    throw std::runtime_error("the disk is full");
  });
  {
    const interrupt_note gone([&said] { said += "gone "; });
  }
  ASSERT_EQ(std::raise(SIGINT), 0);
  EXPECT_TRUE(interrupted());
  EXPECT_EQ(said, "inner outer ");
}

TEST(interrupt_note, belongs_to_its_thread) {
  const interrupt_guard guard;
  int calls = 0;
  const interrupt_note note([&calls] { ++calls; });
  ASSERT_EQ(std::raise(SIGUSR1), 0);
  std::thread([] { EXPECT_TRUE(interrupted()); }).join();
  EXPECT_EQ(calls, 0);
  EXPECT_TRUE(interrupted());
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace spikesweep
