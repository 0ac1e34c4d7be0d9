// Networks of which one population or both are silent, from the simulation to the report.
#include <ctime>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "command_runner.hpp"

namespace spikesweep::testing {

namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

std::string config(const std::string& network, const std::string& axes) {
  return "[network]\npreset = \"zhang2024\"\n" + network +
         "[design]\npoints = 8\nselection_points = 1\ntest_points = 2\n[design.axes]\n" + axes +
         "[sweep]\ntransitions = 60\n"
         "[learning]\nhidden = 24\nlayers = 2\ncomponents = 3\nepochs = 2\nbatch = 64\nshards = 8\ncandidates = 1\n"
         "selection_s = 1.0\nselection_chains = 2\ntuning_s = 0\n"
         "[validation]\nduration_s = 2\nchains = 2\n";
}

const std::string weak_drive = "lambda_E = {min = 0, max = 0.001}\nS_EE = {min = 2, max = 2.5}\n";

/// Runs a config, and looks at everything that people read.
std::string checked_run(const command_runner& runner, const std::string& text) {
  runner.write("silent.toml", text);
  const command_result result = runner.run("run silent.toml -o out");
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, Not(ContainsRegex("nan|inf")));
  EXPECT_THAT(result.err, AllOf(Not(HasSubstr("Warning")), Not(ContainsRegex("[^a-z]nan[^a-z]"))));
  EXPECT_TRUE(runner.files().contains("report.html"));
  return result.out;
}

TEST(silent_networks, with_one_silent_population_have_errors_of_both) {
  const command_runner runner;
  const std::string out = checked_run(
      runner, config("lambda_I = 0\nS_IE = 0\n", "S_EE = {min = 2, max = 2.5}\nlambda_E = {min = 3000, max = 4000}\n"));
  EXPECT_THAT(out, ContainsRegex("\nrate_E_hz +% +0\\.[0-9]+ "));
  EXPECT_THAT(out, ContainsRegex("\nrate_I_hz +% +0\\.00 \\(0\\.00\\) "));
  EXPECT_THAT(out, ContainsRegex("\nstandard error, rate_I_hz +% +0\\.00 \\(0\\.00\\) "));
  EXPECT_THAT(out, HasSubstr("; 0 ran away\n"));
}

TEST(silent_networks, without_any_spike_have_rates_of_0_and_no_spectral_peak) {
  const command_runner runner;
  const std::string out = checked_run(runner, config("lambda_I = 0\n", weak_drive));
  EXPECT_THAT(out, ContainsRegex("\nrate_E_hz +% +0\\.00 \\(0\\.00\\) "));
  EXPECT_THAT(out, Not(HasSubstr("\npeak_hz ")));
  EXPECT_THAT(out, HasSubstr("2 held-out points; no spectral peak was measured; "));
  const command_result json = runner.run("validate silent.toml -m out -o v.h5 --json");
  EXPECT_THAT(json.out, HasSubstr("\"peak_share\":null"));
}

TEST(silent_networks, are_simulated_to_rates_of_0_with_errors_of_0) {
  const command_runner runner;
  const std::string command = "simulate zhang2024 --set lambda_E=0 lambda_I=0 --duration 200ms --replicates 3";
  const command_result table = runner.run(command, 1);
  EXPECT_EQ(table.code, 0) << table.err;
  EXPECT_THAT(table.out, ContainsRegex("\nrate_E_hz +0 \\+- 0 +Hz +E rate\n"));
  EXPECT_THAT(table.out, ContainsRegex("\nfano_E_1ms +- +Fano factor of E counts in 1 ms\n"));
  EXPECT_THAT(table.out, Not(ContainsRegex("nan|inf")));
  const command_result json = runner.run(command + " --json", 1);
  EXPECT_THAT(json.out, HasSubstr("\"rate_E_hz\":0,"));
  EXPECT_THAT(json.out, HasSubstr("\"fano_E_1ms\":null"));
  EXPECT_THAT(json.out, HasSubstr("\"standard_errors\":{\"rate_E_hz\":0,"));
  EXPECT_THAT(json.out, HasSubstr("\"peak_doubt\":null"));
}

TEST(silent_networks, have_no_rates_in_the_status_before_a_task_is_done) {
  const command_runner runner;
  runner.write("silent.toml", config("lambda_I = 0\n", weak_drive));
  const std::string passed = std::to_string(std::time(nullptr) - 60);  // So no task starts.
  const command_result ended =
      runner.run("sweep silent.toml -o s.h5", test_ranks(), "SLURM_JOB_ID=7 SLURM_JOB_END_TIME=" + passed);
  ASSERT_EQ(ended.code, 75) << ended.err;
  const command_result before = runner.run("status s.h5 --json", 1);
  EXPECT_THAT(before.out, HasSubstr("\"rate_E_hz\":null,\"rate_I_hz\":null,\"capped_share\":null,"));
  EXPECT_THAT(runner.run("status s.h5", 1).out, ContainsRegex("\nempty phases +not measured yet\n"));
  ASSERT_EQ(runner.run("sweep silent.toml -o s.h5").code, 0);
  EXPECT_THAT(runner.run("status s.h5 --json", 1).out, HasSubstr("\"rate_E_hz\":0,\"rate_I_hz\":0,"));
  EXPECT_THAT(runner.run("status s.h5", 1).out, ContainsRegex("\nempty phases +up to 100 % at a point\n"));
}

}  // namespace

}  // namespace spikesweep::testing
