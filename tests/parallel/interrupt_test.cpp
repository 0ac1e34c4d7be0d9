// Notes of interrupts. That sweeps, trainings and the others end at a signal is tested where they are.
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <functional>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include <spikesweep/parallel/interrupt.hpp>

namespace spikesweep {
namespace {

using namespace std::chrono_literals;

/// What notes have said.
class noted {
 public:
  std::function<void()> saying(const std::string& word) {
    return [this, word] {
      const std::lock_guard alone(access_);
      words_.insert(word);
      said_.notify_all();
    };
  }
  bool has(const std::string& word) {
    std::unique_lock lock(access_);
    return said_.wait_for(lock, 60s, [&] { return words_.contains(word); });
  }
  std::multiset<std::string> words() {
    const std::lock_guard alone(access_);
    return words_;
  }

 private:
  std::mutex access_;
  std::condition_variable said_;
  std::multiset<std::string> words_;
};

TEST(interrupt_note, is_called_once_while_its_owner_is_busy) {
  const interrupt_guard guard;
  noted said;
  {
    const interrupt_note note(said.saying("asked"));
    std::this_thread::sleep_for(100ms);
    EXPECT_TRUE(said.words().empty());
    ASSERT_EQ(std::raise(SIGTERM), 0);
    EXPECT_TRUE(said.has("asked")) << "nobody looks at the count meanwhile";
    ASSERT_EQ(std::raise(SIGTERM), 0);
    EXPECT_EQ(interrupts(), 2);
  }
  EXPECT_EQ(said.words(), (std::multiset<std::string>{"asked"}));
}

TEST(interrupt_note, is_called_for_each_that_lives_even_if_one_fails) {
  const interrupt_guard guard;
  noted said;
  const interrupt_note outer(said.saying("outer"));
  const interrupt_note failing([] { throw std::runtime_error("the disk is full"); });
  const interrupt_note inner(said.saying("inner"));
  { const interrupt_note gone(said.saying("gone")); }
  ASSERT_EQ(std::raise(SIGINT), 0);
  EXPECT_TRUE(said.has("outer"));
  EXPECT_TRUE(said.has("inner"));
  EXPECT_EQ(said.words().count("gone"), 0U);
}

TEST(interrupt_note, is_called_before_its_end_if_the_signal_came_first) {
  const interrupt_guard guard;
  noted said;
  ASSERT_EQ(std::raise(SIGUSR1), 0);
  { const interrupt_note late(said.saying("late")); }
  EXPECT_EQ(said.words().count("late"), 1U);
}

TEST(interrupt_note, does_not_hear_of_a_signal_before_the_outermost_guard) {
  noted said;
  {
    const interrupt_guard earlier;
    ASSERT_EQ(std::raise(SIGUSR1), 0);
  }
  const interrupt_guard guard;
  {
    const interrupt_note note(said.saying("asked"));
    EXPECT_FALSE(interrupted());
  }
  EXPECT_TRUE(said.words().empty());
}

}  // namespace
}  // namespace spikesweep
