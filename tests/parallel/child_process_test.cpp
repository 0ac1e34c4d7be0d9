// A process of its own for work that may end it.
#include <csignal>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <spikesweep/parallel/child_process.hpp>

namespace spikesweep {

namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// Everything that a child sends until it ends.
std::vector<std::string> messages_of(child_process& child) {
  std::vector<std::string> all;
  while (child.receive()) {
    while (auto message = child.next()) {
      all.push_back(*std::move(message));
    }
  }
  return all;
}

TEST(child_process, sends_messages_of_any_length_in_order) {
  const std::string large(1 << 20, 'x');
  child_process child("test", [&](const child_process::sender& send) {
    send("first");
    send("");
    send(large);
  });
  EXPECT_THAT(messages_of(child), ElementsAre("first", "", large));
  EXPECT_EQ(child.wait(), "its process ended with code 0");
}

TEST(child_process, names_the_signal_that_ended_it_and_keeps_what_came_before) {
  child_process child("test", [](const child_process::sender& send) {
    send("before");
    std::signal(SIGSEGV, SIG_DFL);
    std::raise(SIGSEGV);
  });
  EXPECT_THAT(messages_of(child), ElementsAre("before"));
  EXPECT_THAT(child.wait(), HasSubstr("ended by signal 11"));
}

TEST(child_process, ends_with_code_1_after_an_exception) {
  child_process child("test", [](const child_process::sender&) { throw std::runtime_error("as intended"); });
  EXPECT_THAT(messages_of(child), IsEmpty());
  EXPECT_EQ(child.wait(), "its process ended with code 1");
}

TEST(child_process, is_killed_with_its_object) {
  const child_process child("test", [](const child_process::sender& send) {
    for (;;) {
      send(std::string(1 << 16, 'x'));
    }
  });
}

}  // namespace

}  // namespace spikesweep
