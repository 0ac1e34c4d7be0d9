#include <boost/mpi/communicator.hpp>
#include <gtest/gtest.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/parallel/agreement.hpp>

namespace spikesweep {

namespace {

rank_exit with(exit_code code) {
  return {static_cast<int>(code), ""};
}

int reach(const rank_exit& mine) {
  const boost::mpi::communicator world;
  return exit_agreement(world).reach(mine);
}

TEST(exit_agreement, of_ranks_that_are_done_is_done) {
  EXPECT_EQ(reach(with(exit_code::done)), 0);
}

TEST(exit_agreement, a_common_code_is_everybodys) {
  EXPECT_EQ(reach(with(exit_code::bad_input)), 2);
  EXPECT_EQ(reach(with(exit_code::interrupted)), 75);
}

TEST(exit_agreement, what_rank_0_says_after_a_serial_command_holds_for_all) {
  const bool root = boost::mpi::communicator().rank() == 0;
  EXPECT_EQ(reach(with(root ? exit_code::failed_points : exit_code::done)), 3);
  EXPECT_EQ(reach(with(root ? exit_code::bad_input : exit_code::done)), 2);
}

TEST(exit_agreement, a_failure_of_the_last_rank_beats_an_interruption_of_the_others) {
  const boost::mpi::communicator world;
  const bool last = world.rank() == world.size() - 1;
  EXPECT_EQ(reach(with(last ? exit_code::failed : exit_code::interrupted)), 1);
}

}  // namespace

}  // namespace spikesweep
