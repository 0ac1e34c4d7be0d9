#include <gtest/gtest.h>
#include <sweep/unfinished_work.hpp>

namespace spikesweep {
namespace {

/// A disk: what it takes to write the states of tasks [s], and the rows of a second of simulation [s/s].
struct disk {
  double states_s;
  double rows_s;
};

/// The pause before the last one of many saves [s].
double pause_in_the_long_run(const disk& on, double every_s) {
  save_pauses pauses(every_s);
  double pause_s = every_s;
  for (int save = 0; save < 100; ++save) {
    pause_s = pauses.after({on.states_s, on.rows_s * pause_s});
  }
  return pause_s;
}

constexpr double every_s = 5;

TEST(saving, is_as_often_as_was_asked_for_on_a_fast_disk) {
  EXPECT_EQ(pause_in_the_long_run({.states_s = 0.01, .rows_s = 0.01}, every_s), every_s);
}

// More rare saves would write as many rows, and an interrupt would cost more and more.
TEST(saving, does_not_become_more_rare_because_rows_take_a_while) {
  EXPECT_EQ(pause_in_the_long_run({.states_s = 0.01, .rows_s = 0.03}, every_s), every_s);
  EXPECT_EQ(pause_in_the_long_run({.states_s = 0.01, .rows_s = 0.09}, every_s), every_s);
}

TEST(saving, becomes_more_rare_where_states_take_a_while) {
  EXPECT_DOUBLE_EQ(pause_in_the_long_run({.states_s = 0.4, .rows_s = 0.03}, every_s), 20);
}

// Then tasks end before they are saved.
TEST(saving, comes_to_an_end_where_rows_take_much_of_the_time) {
  EXPECT_GT(pause_in_the_long_run({.states_s = 0.01, .rows_s = 0.2}, every_s), 3600);
}

// A kill in a long pause costs all work since the last save.
TEST(saving, does_not_become_more_rare_because_the_disk_stands_still_now_and_then) {
  for (const save_time& stall : {save_time{1, 0}, save_time{0, 5}, save_time{2, 2}}) {
    save_pauses pauses(every_s);
    for (int save = 0; save < 100; ++save) {
      EXPECT_EQ(pauses.after(save % 3 == 0 ? stall : save_time{0.01, 0.1}), every_s) << "save " << save;
    }
  }
}

TEST(saving, becomes_more_rare_with_the_second_slow_save) {
  save_pauses pauses(every_s);
  EXPECT_EQ(pauses.after({1, 0}), every_s);
  EXPECT_EQ(pauses.after({1, 0}), 50);
  EXPECT_EQ(pauses.after({0.01, 0}), 50) << "two of the last three were slow";
  EXPECT_EQ(pauses.after({0.01, 0}), every_s);
}

}  // namespace
}  // namespace spikesweep
