#include <cmath>
#include <ctime>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <spikesweep/store/unfinished.hpp>
#include <spikesweep/sweep/status.hpp>

#include "store/sweep_samples.hpp"

namespace spikesweep {
namespace {

using ::testing::ElementsAre;
using testing::made_up_task;
using testing::scratch_directory;
using testing::small_sweep;

std::string begin_line(std::time_t at, int ranks) {
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", std::gmtime(&at));
  return std::string(text) + " spikesweep 0.1.0 starts on " + std::to_string(ranks) + " ranks: 8 of 8 tasks to do";
}

/// A sweep of 4 points x 2 replicates in the middle of its work.
class status : public ::testing::Test {
 protected:
  status() {
    create_sweep_file(file, description);
    sweep_writer writer(self(), file, description);
    writer.log(begin_line(std::time(nullptr) - 2, 3));
    for (const int task : {0, 1, 2}) {
      writer.begin_task(task, 1);
      writer.write_task(task, made_up_task(description, task / 2, task % 2), 0.5);
    }
    fail(writer, 3, task_state::runaway, 2);
    fail(writer, 4, task_state::time_cap, 1);
    fail(writer, 5, task_state::crashed, 3);
    writer.begin_task(6, 2);
    writer.close();
  }

  static void fail(sweep_writer& writer, std::int64_t task, task_state state, int attempts) {
    for (int i = 0; i < attempts; ++i) {
      writer.begin_task(task, 0);
    }
    task_result result;
    result.state = state;
    writer.write_task(task, result, 0.5);
  }

  scratch_directory scratch;
  sweep_description description = small_sweep(4, 2);
  std::filesystem::path file = scratch / "s.h5";
};

TEST_F(status, counts_tasks_by_what_became_of_them) {
  const sweep_status found = read_status(file);
  EXPECT_EQ(found.total, 8);
  EXPECT_EQ(found.done, 3);
  EXPECT_EQ(found.failed(), 3);
  EXPECT_EQ(found.pending, 2);
  EXPECT_EQ(found.started, 1);
  EXPECT_EQ(found.samples, 3 * description.sampling.transitions);
  EXPECT_THAT(found.done_points, ElementsAre(0));
  EXPECT_THAT(found.failed_points, ElementsAre(1, 2));
  EXPECT_THAT(found.pending_points, ElementsAre(3));
}

TEST_F(status, counts_the_pending_tasks_that_are_saved_in_mid_work) {
  EXPECT_EQ(read_status(file).saved, 0);
  const double left_before = read_status(file).pace.left_core_s;
  std::vector<saved_task> tasks(3);
  tasks[0].task = task_digest(description, 6);
  tasks[0].share_done = 0.75;
  tasks[1].task = task_digest(description, 0);  // It is done: what is saved of it is of no use.
  tasks[2].task = "of another sweep";
  std::filesystem::create_directory(unfinished_directory(file));
  write_unfinished(unfinished_directory(file), "1-0", tasks, std::vector<std::string>(3));
  const sweep_status found = read_status(file);
  EXPECT_EQ(found.saved, 1);
  EXPECT_NEAR(found.pace.left_core_s / left_before, 1.25 / 2, 1e-12) << "of two tasks of one point";
}

// A sweep knows the ranges of its axes from the config. The file has them as text only.
TEST(status_of_a_sweep_with_synthetic_states, counts_the_tasks_that_are_saved) {
  const scratch_directory scratch;
  const std::filesystem::path file = scratch / "s.h5";
  sweep_description description = small_sweep(4, 2);
  description.sampling.synthetic_share = 0.1;
  description.sampling.swept = {{&find_parameter("S_EE"), 3, 5}};
  description.settings.emplace_back("design.axes.S_EE", "3 to 5");
  create_sweep_file(file, description);
  std::vector<saved_task> tasks(1);
  tasks[0].task = task_digest(description, 6);
  std::filesystem::create_directory(unfinished_directory(file));
  write_unfinished(unfinished_directory(file), "1-0", tasks, std::vector<std::string>(1));
  EXPECT_EQ(read_status(file).saved, 1);
}

TEST_F(status, gives_reasons_attempts_and_values_of_failed_points) {
  const sweep_status found = read_status(file);
  EXPECT_EQ(found.points[1].runaway, 1);
  EXPECT_EQ(found.points[1].attempts, 2);
  EXPECT_EQ(found.points[2].time_cap, 1);
  EXPECT_EQ(found.points[2].crashed, 1);
  EXPECT_EQ(found.points[2].attempts, 3);
  EXPECT_EQ(found.points[0].attempts, 0) << "of a point that did not fail";
  EXPECT_THAT(found.swept.axes, ElementsAre("S_EE", "lambda_E"));
  EXPECT_EQ(found.swept.points(2, 1), 2200);
}

TEST_F(status, tells_whether_a_job_is_at_work) {
  EXPECT_EQ(read_status(file).activity, sweep_activity::stopped);
  EXPECT_FALSE(read_status(file).over());
  {
    const file_lock lock(file);
    EXPECT_EQ(read_status(file).activity, sweep_activity::running);
    ASSERT_TRUE(read_status(file).run.has_value());
    EXPECT_EQ(read_status(file).run->ranks, 3);
  }
  std::ofstream(file.string() + ".lock") << "some-other-host 17\n";
  EXPECT_EQ(read_status(file).activity, sweep_activity::unknown);
}

TEST_F(status, of_a_job_that_has_said_nothing_yet_is_preparing) {
  sweep_writer writer(self(), file, description);
  writer.log("2025-11-25T13:50:00Z interrupted: 3 done, 3 failed of 8");
  const file_lock lock(file);
  EXPECT_EQ(read_status(file).activity, sweep_activity::preparing);
  writer.log(begin_line(std::time(nullptr) - 1000, 5));
  EXPECT_EQ(read_status(file).activity, sweep_activity::preparing) << "that run began before this job";
  writer.log(begin_line(std::time(nullptr), 5));
  EXPECT_EQ(read_status(file).activity, sweep_activity::running);
}

TEST_F(status, gives_time_left_only_of_a_running_sweep) {
  EXPECT_TRUE(std::isnan(read_status(file).pace.left_s));
  EXPECT_GT(read_status(file).pace.left_core_s, 0);
  const file_lock lock(file);
  const sweep_pace pace = read_status(file).pace;
  EXPECT_GE(pace.left_s, 0);
  EXPECT_GT(pace.tasks_per_s, 0);
  const sweep_pace later = read_status(file, std::chrono::system_clock::now() + std::chrono::hours(1)).pace;
  EXPECT_EQ(later.left_s, 0);
}

TEST_F(status, counts_what_is_so_new_that_it_may_not_be_on_the_disk) {
  EXPECT_EQ(read_status(file).unsynced, 6) << "of 3 done and 3 failed tasks";
  const auto later = std::chrono::system_clock::now() + std::chrono::seconds(12);
  EXPECT_EQ(read_status(file, later).unsynced, 0) << "every rank has synced since";
  sweep_writer writer(self(), file, description);
  writer.log("2025-11-25T13:50:00Z interrupted: 3 done, 3 failed of 8");
  EXPECT_EQ(read_status(file).unsynced, 0) << "a run that ends in good order syncs";
}

TEST_F(status, is_over_when_nothing_is_left_and_no_job_at_work) {
  sweep_writer writer(self(), file, description);
  for (const int task : {6, 7}) {
    writer.write_task(task, made_up_task(description, task / 2, task % 2), 0.5);
  }
  EXPECT_TRUE(read_status(file).over());
  const file_lock lock(file);
  EXPECT_FALSE(read_status(file).over()) << "it may be about to run the failed tasks again";
}

}  // namespace
}  // namespace spikesweep
