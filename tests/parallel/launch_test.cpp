#include <csignal>
#include <map>

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

TEST(launch, refuses_singletons_of_srun_and_mpirun) {
  EXPECT_THROW(check_launch(1, environment({{"OMPI_COMM_WORLD_SIZE", "4"}})), environment_error);
  EXPECT_THROW(check_launch(1, environment({{"SLURM_NTASKS", "4"}, {"SLURM_STEP_ID", "0"}, {"SLURM_PROCID", "2"}})),
               environment_error);
}

TEST(launch, accepts_what_is_in_order) {
  EXPECT_NO_THROW(check_launch(1, environment({})));
  EXPECT_NO_THROW(check_launch(4, environment({{"OMPI_COMM_WORLD_SIZE", "4"}})));
  EXPECT_NO_THROW(check_launch(1, environment({{"OMPI_COMM_WORLD_SIZE", "1"}})));
  EXPECT_NO_THROW(check_launch(1, environment({{"SLURM_NTASKS", "4"}}))) << "the batch script itself";
  EXPECT_NO_THROW(check_launch(
      1, environment(
             {{"SLURM_NTASKS", "4"}, {"SLURM_STEP_ID", "0"}, {"SLURM_PROCID", "0"}, {"SLURM_STEP_NUM_TASKS", "1"}})));
  EXPECT_NO_THROW(check_launch(
      1, environment(
             {{"OMPI_COMM_WORLD_SIZE", "1"}, {"SLURM_NTASKS", "4"}, {"SLURM_STEP_ID", "0"}, {"SLURM_PROCID", "0"}})));
}

TEST(launch, refuses_processes_of_srun_that_cannot_find_each_other_before_mpi_starts) {
  std::map<std::string, std::string> step{{"SLURM_NTASKS", "4"}, {"SLURM_STEP_ID", "0"}, {"SLURM_PROCID", "2"}};
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
  EXPECT_TRUE(launched(environment({{"SLURM_STEP_ID", "0"}, {"SLURM_PROCID", "2"}})));
}

TEST(launch, knows_when_the_job_ends) {
  EXPECT_FALSE(job_end(environment({})).has_value());
  EXPECT_FALSE(job_end(environment({{"SLURM_JOB_END_TIME", "soon"}})).has_value());
  const auto end = job_end(environment({{"SLURM_JOB_END_TIME", "1700000000"}}));
  ASSERT_TRUE(end.has_value());
  EXPECT_EQ(std::chrono::system_clock::to_time_t(*end), 1700000000);
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
