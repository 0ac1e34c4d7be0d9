// Tasks that may have crashed the job, in sweeps of made-up tasks on any number of ranks.
#include <filesystem>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <spikesweep/parallel/communicator.hpp>
#include <spikesweep/store/sweep_file.hpp>
#include <spikesweep/store/unfinished.hpp>
#include <spikesweep/sweep/status.hpp>
#include <spikesweep/sweep/sweep.hpp>

#include "store/compare_files.hpp"
#include "sweep/made_up_sweep.hpp"

namespace spikesweep {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::lasting_bytes;
using testing::run_made_up_sweep;
using testing::task_function;

using suspects = testing::made_up_sweep;

TEST_F(suspects, sets_a_task_aside_that_crashed_the_job_and_then_its_own_process) {
  if (world.rank() == 0) {
    create_sweep_file(directory / "s.h5", description);
    sweep_writer writer(self(), directory / "s.h5", description);
    for (const int suspect : {0, 8, 17, 29}) {
      for (int i = 0; i < suspect_after; ++i) {
        writer.begin_task(suspect, 3);
      }
    }
    writer.begin_task(9, 3);
  }
  world.barrier();
  const std::set<std::pair<int, int>> apart{{0, 0}, {2, 2}, {5, 2}, {9, 2}};
  const task_function innocent_here = [&](int point, int replicate, const std::function<bool()>& poll) {
    EXPECT_FALSE(apart.contains({point, replicate})) << "a suspect may not run in a rank's own process";
    return samples(point, replicate, poll);
  };
  sweep_options options;
  options.quarantine_program = {SPIKESWEEP_QUARANTINE_PROGRAM, "crash", "2", "2"};  // Task 8.
  const sweep_outcome outcome = run_made_up_sweep(world, directory / "s.h5", description, innocent_here, options);
  EXPECT_FALSE(outcome.interrupted);
  EXPECT_EQ(outcome.done, 29);
  EXPECT_EQ(outcome.failed, 1);
  if (world.rank() == 0) {
    EXPECT_EQ(read_status(directory / "s.h5").crashed, 1);
    const sweep_reader reader(directory / "s.h5");
    EXPECT_EQ(reader.records()[8].state, task_state::crashed);
    EXPECT_THAT(reader.damaged_tasks(), IsEmpty());
    EXPECT_THAT(reader.log(), Contains(HasSubstr("task 8 (point 2, replicate 2) is set aside: its process ended by "
                                                 "signal 11 (Segmentation fault)")));
    for (const int innocent : {0, 17, 29}) {
      EXPECT_EQ(reader.provenance()[static_cast<std::size_t>(innocent)].rank, 0) << "a suspect runs on rank 0";
    }
  }
  world.barrier();
  EXPECT_EQ(run_made_up_sweep(world, directory / "s.h5", description, samples, {}).failed, 1)
      << "a crashed task is not run again unasked";
  sweep_options retry;
  retry.retry_failed = true;
  retry.quarantine_program = {SPIKESWEEP_QUARANTINE_PROGRAM};
  EXPECT_EQ(run_made_up_sweep(world, directory / "s.h5", description, innocent_here, retry).done, 30);
  if (world.rank() == 0) {
    EXPECT_EQ(lasting_bytes(directory / "s.h5"), expected_bytes(description, samples));
  }
}

TEST_F(suspects, ends_in_quarantine_on_a_signal_and_holds_nothing_against_the_tasks_there) {
  if (world.rank() == 0) {
    create_sweep_file(directory / "s.h5", description);
    sweep_writer writer(self(), directory / "s.h5", description);
    for (int i = 0; i < suspect_after; ++i) {
      writer.begin_task(4, 0);
    }
    writer.begin_task(5, 0);
    writer.begin_task(5, 0);
  }
  world.barrier();
  sweep_options options;
  options.grace_s = 0.2;
  options.quarantine_program = {SPIKESWEEP_QUARANTINE_PROGRAM, "interrupt", "1", "1"};  // Task 4.
  EXPECT_TRUE(run_made_up_sweep(world, directory / "s.h5", description, samples, options).interrupted);
  options.quarantine_program = {};  // Suspects would be left out.
  const sweep_outcome healed = run_made_up_sweep(world, directory / "s.h5", description, samples, options);
  EXPECT_EQ(healed.done, 30);
  EXPECT_EQ(healed.failed, 0);
}

TEST_F(suspects, sets_a_task_aside_that_hangs_and_gives_the_others_their_bytes) {
  if (world.rank() == 0) {
    create_sweep_file(directory / "s.h5", description);
    sweep_writer writer(self(), directory / "s.h5", description);
    for (const int suspect : {3, 4, 5}) {
      for (int i = 0; i < suspect_after; ++i) {
        writer.begin_task(suspect, 0);
      }
    }
  }
  world.barrier();
  sweep_options options;
  options.quarantine_program = {SPIKESWEEP_QUARANTINE_PROGRAM, "hang", "1", "1"};  // Task 4.
  options.quarantine_silence_s = 0.3;
  EXPECT_EQ(run_made_up_sweep(world, directory / "s.h5", description, samples, options).failed, 1);
  if (world.rank() == 0) {
    const sweep_reader reader(directory / "s.h5");
    EXPECT_EQ(reader.records()[4].state, task_state::crashed);
    EXPECT_THAT(reader.log(), Contains(HasSubstr("task 4 (point 1, replicate 1) is set aside: its process gave no sign "
                                                 "of life for 300 ms")));
  }
  world.barrier();
  options.retry_failed = true;
  options.quarantine_program = {SPIKESWEEP_QUARANTINE_PROGRAM};
  EXPECT_EQ(run_made_up_sweep(world, directory / "s.h5", description, samples, options).done, 30);
  if (world.rank() == 0) {
    EXPECT_EQ(lasting_bytes(directory / "s.h5"), expected_bytes(description, samples));
  }
}

TEST_F(suspects, leaves_suspects_to_a_program_that_can_run_them_apart) {
  if (world.rank() == 0) {
    create_sweep_file(directory / "s.h5", description);
    sweep_writer writer(self(), directory / "s.h5", description);
    for (int i = 0; i < suspect_after; ++i) {
      writer.begin_task(4, 0);
    }
  }
  world.barrier();
  const sweep_outcome outcome = run_made_up_sweep(world, directory / "s.h5", description, samples, {});
  EXPECT_EQ(outcome.done, 29);
  EXPECT_TRUE(outcome.interrupted) << "a task is left";
}

TEST_F(suspects, holds_nothing_against_a_task_that_has_come_further_since_a_crash) {
  constexpr std::int64_t stuck = 17;
  constexpr std::int64_t moving = 8;
  constexpr int crashes = 5;
  if (world.rank() == 0) {
    create_sweep_file(directory / "s.h5", description);
    sweep_writer writer(self(), directory / "s.h5", description);
    for (int i = 0; i < crashes; ++i) {
      writer.begin_task(stuck, 0);
      writer.begin_task(moving, 0);
    }
    const std::filesystem::path saved = unfinished_directory(directory / "s.h5");
    std::vector<saved_task> tasks(2);
    tasks[0].task = task_digest(description, stuck);
    tasks[0].attempts = crashes - suspect_after;
    tasks[1].task = task_digest(description, moving);
    tasks[1].attempts = crashes - suspect_after + 1;
    std::filesystem::create_directory(saved);
    write_unfinished(saved, "1-0", tasks, std::vector<std::string>(2));
  }
  world.barrier();
  // A suspect is left out where there is no program for its process.
  const sweep_outcome outcome = run_made_up_sweep(world, directory / "s.h5", description, samples, {});
  EXPECT_TRUE(outcome.interrupted);
  EXPECT_EQ(outcome.done, 29);
  if (world.rank() == 0) {
    const auto records = sweep_reader(directory / "s.h5").records();
    EXPECT_EQ(records[stuck].state, task_state::pending);
    EXPECT_EQ(records[moving].state, task_state::done);
  }
}

}  // namespace
}  // namespace spikesweep
