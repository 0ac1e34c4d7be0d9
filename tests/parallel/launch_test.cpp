#include <csignal>
#include <map>
#include <string>

#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/parallel/interrupt.hpp>
#include <spikesweep/parallel/launch.hpp>

namespace spikesweep {
namespace {

environment_lookup environment(const std::map<std::string, std::string>& variables) {
  return [variables](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  };
}

/// What srun tells of a process: this one.
std::map<std::string, std::string> step_of_srun(std::map<std::string, std::string> more) {
  more.merge(std::map<std::string, std::string>{
      {"SLURM_STEP_ID", "0"}, {"SLURM_PROCID", "2"}, {"SLURM_TASK_PID", std::to_string(::getpid())}});
  return more;
}

TEST(launch, refuses_singletons_of_srun_and_mpirun) {
  EXPECT_THROW(check_launch(1, environment({{"OMPI_COMM_WORLD_SIZE", "4"}})), environment_error);
  EXPECT_THROW(check_launch(1, environment(step_of_srun({{"SLURM_NTASKS", "4"}}))), environment_error);
}

TEST(launch, accepts_what_is_in_order) {
  EXPECT_NO_THROW(check_launch(1, environment({})));
  EXPECT_NO_THROW(check_launch(4, environment({{"OMPI_COMM_WORLD_SIZE", "4"}})));
  EXPECT_NO_THROW(check_launch(1, environment({{"OMPI_COMM_WORLD_SIZE", "1"}})));
  EXPECT_NO_THROW(check_launch(1, environment({{"SLURM_NTASKS", "4"}}))) << "the batch script itself";
  EXPECT_NO_THROW(check_launch(1, environment(step_of_srun({{"SLURM_NTASKS", "4"}, {"SLURM_STEP_NUM_TASKS", "1"}}))));
  EXPECT_NO_THROW(check_launch(1, environment(step_of_srun({{"OMPI_COMM_WORLD_SIZE", "1"}, {"SLURM_NTASKS", "4"}}))));
}

TEST(launch, refuses_processes_of_srun_that_cannot_find_each_other_before_mpi_starts) {
  std::map<std::string, std::string> step = step_of_srun({{"SLURM_NTASKS", "4"}});
  EXPECT_THROW(check_wiring(environment(step)), environment_error);
  for (const char* found_by : {"PMIX_RANK", "PMI_RANK", "OMPI_COMM_WORLD_SIZE"}) {
    auto wired = step;
    wired[found_by] = "2";
    EXPECT_NO_THROW(check_wiring(environment(wired))) << found_by;
  }
  step["SLURM_STEP_NUM_TASKS"] = "1";
  EXPECT_NO_THROW(check_wiring(environment(step)));
  EXPECT_NO_THROW(check_wiring(environment({{"SLURM_NTASKS", "4"}}))) << "the batch script itself";
}

TEST(launch, knows_a_process_that_a_launcher_started) {
  EXPECT_FALSE(launched(environment({})));
  EXPECT_FALSE(launched(environment({{"SLURM_JOB_ID", "7"}, {"SLURM_NTASKS", "4"}, {"SLURM_PROCID", "0"}})))
      << "the batch script itself";
  EXPECT_TRUE(launched(environment({{"OMPI_COMM_WORLD_SIZE", "1"}})));
  EXPECT_TRUE(launched(environment({{"PMIX_RANK", "0"}})));
  EXPECT_TRUE(launched(environment({{"PMI_RANK", "0"}})));
  EXPECT_TRUE(launched(environment(step_of_srun({}))));
  EXPECT_TRUE(launched(environment(step_of_srun({{"SLURM_TASK_PID", std::to_string(::getppid())}})))) << "its script";
}

TEST(launch, takes_no_notice_of_a_step_of_srun_that_is_over) {
  constexpr const char* no_process = "4999999";  // More than Linux counts to.
  for (const auto& step :
       {step_of_srun({{"SLURM_NTASKS", "7"}, {"SLURM_TASK_PID", no_process}}),
        std::map<std::string, std::string>{{"SLURM_NTASKS", "7"}, {"SLURM_STEP_ID", "0"}, {"SLURM_PROCID", "3"}}}) {
    EXPECT_FALSE(launched(environment(step)));
    EXPECT_EQ(find_launch_place(environment(step)).rank, 0) << "so it prints what it finds";
    EXPECT_NO_THROW(check_wiring(environment(step)));
    EXPECT_NO_THROW(check_launch(1, environment(step)));
  }
}

TEST(launch, knows_when_the_job_ends) {
  const auto before = std::chrono::system_clock::from_time_t(1699999999);
  const auto after = std::chrono::system_clock::from_time_t(1700003600);
  const std::map<std::string, std::string> job{{"SLURM_JOB_ID", "7"}, {"SLURM_JOB_END_TIME", "1700000000"}};
  EXPECT_FALSE(job_end(environment({}), before).has_value());
  EXPECT_FALSE(job_end(environment({{"SLURM_JOB_ID", "7"}, {"SLURM_JOB_END_TIME", "soon"}}), before).has_value());
  const auto end = job_end(environment(job), before);
  ASSERT_TRUE(end.has_value());
  EXPECT_EQ(std::chrono::system_clock::to_time_t(*end), 1700000000);
  EXPECT_FALSE(job_end(environment(job), after).has_value()) << "of an older job";
  EXPECT_FALSE(job_end(environment({{"SLURM_JOB_END_TIME", "1700000000"}}), before).has_value()) << "left over";
}

TEST(launch, counts_restarts_within_a_job_only) {
  EXPECT_EQ(restarts_of_job(environment({{"SLURM_JOB_ID", "7"}, {"SLURM_RESTART_COUNT", "2"}})), 2);
  EXPECT_EQ(restarts_of_job(environment({{"SLURM_RESTART_COUNT", "2"}})), 0);
  EXPECT_EQ(restarts_of_job(environment({{"SLURM_JOB_ID", "7"}})), 0);
}

TEST(launch, takes_a_number_of_threads_that_is_one) {
  const auto wanted = [](const std::string& text) { return threads_wanted(environment({{"OMP_NUM_THREADS", text}})); };
  EXPECT_FALSE(threads_wanted(environment({})).has_value());
  EXPECT_EQ(wanted("4"), 4);
  EXPECT_EQ(wanted("3,2"), 3);
  for (const char* none : {"", "0", "-2", "abc", "4x", "99999999999999999999"}) {
    EXPECT_FALSE(wanted(none).has_value()) << none;
  }
}

TEST(launch, knows_a_shell_of_srun_from_a_process_of_srun) {
  std::map<std::string, std::string> shell{{"SLURM_NTASKS", "4"},      {"SLURM_STEP_ID", "0"}, {"SLURM_PROCID", "0"},
                                           {"SLURM_PTY_PORT", "4711"}, {"PMIX_RANK", "0"},     {"SLURM_TASK_PID", "1"}};
  EXPECT_FALSE(launched(environment(shell)));
  EXPECT_NO_THROW(check_wiring(environment(shell)));
  EXPECT_NO_THROW(check_launch(1, environment(shell)));
  EXPECT_EQ(find_launch_place(environment(shell)).ranks, 1);
  shell["SLURM_TASK_PID"] = std::to_string(::getpid());
  EXPECT_TRUE(launched(environment(shell))) << "srun started this very process";
}

TEST(launch, knows_the_place_without_mpi) {
  const auto expect = [](const std::map<std::string, std::string>& variables, int rank, int ranks) {
    const launch_place place = find_launch_place(environment(variables));
    EXPECT_EQ(place.rank, rank);
    EXPECT_EQ(place.ranks, ranks);
  };
  expect({}, 0, 1);
  expect({{"OMPI_COMM_WORLD_RANK", "3"}, {"OMPI_COMM_WORLD_SIZE", "4"}}, 3, 4);
  expect(step_of_srun({{"SLURM_STEP_NUM_TASKS", "3"}}), 2, 3);
  expect({{"SLURM_PROCID", "2"}, {"SLURM_NTASKS", "3"}}, 0, 1);
}

TEST(interrupt, counts_signals_instead_of_dying) {
  const interrupt_guard guard;
  EXPECT_FALSE(interrupted());
  for (const int signal : {SIGTERM, SIGINT, SIGUSR1}) {
    ::raise(signal);
  }
  EXPECT_EQ(interrupts(), 3);
  {
    const interrupt_guard inner;
    EXPECT_EQ(interrupts(), 3) << "a nested guard forgets nothing";
  }
  ::raise(SIGTERM);
  EXPECT_EQ(interrupts(), 4) << "the outer guard still holds";
}

TEST(interrupt, guard_starts_afresh_and_leaves_a_late_hand_over_without_effect) {
  {
    const interrupt_guard guard;
    ::raise(SIGUSR1);
  }
  struct sigaction now {};
  ::sigaction(SIGUSR1, nullptr, &now);
  EXPECT_EQ(now.sa_handler, SIG_IGN);
  ::sigaction(SIGTERM, nullptr, &now);
  EXPECT_EQ(now.sa_handler, SIG_DFL);
  const interrupt_guard guard;
  EXPECT_FALSE(interrupted());
}

}  // namespace
}  // namespace spikesweep
