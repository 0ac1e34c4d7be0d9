// What the binary does when all is well.
#include <cmath>
#include <regex>
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

/// The JSON that a run prints, without what the clock decides.
std::string without_wall_times(const std::string& json) {
  return std::regex_replace(json, std::regex("\"(wall_s|realtime_factor)\":[^,}]*"), "");
}

/// The number behind a key of a JSON object.
double number_of(const std::string& json, const std::string& key) {
  const std::string mark = '"' + key + "\":";
  const std::size_t at = json.find(mark);
  return at == std::string::npos ? std::nan("") : std::stod(json.substr(at + mark.size()));
}

TEST(command, version_names_every_linked_library) {
  const command_result result = command_runner().run("--version");
  EXPECT_EQ(result.code, 0) << result.err;
  for (const char* library : {"spikesweep", "Open MPI", "Boost", "Eigen", "HDF5", "oneDNN", "FFTW", "NLopt", "Highway",
                              "toml++", "CLI11", "nlohmann-json", "spdlog", "Random123", "xxHash"}) {
    EXPECT_EQ(count(result.out, std::string(library) + " "), 1) << library << " in:\n" << result.out;
  }
}

TEST(command, help_lists_every_command_once) {
  const command_result result = command_runner().run("--help");
  EXPECT_EQ(result.code, 0);
  EXPECT_EQ(count(result.out, "Subcommands:"), 1);
  for (const char* command : {"run", "plan", "sweep", "status", "verify", "train", "validate", "simulate", "predict"}) {
    EXPECT_EQ(count(result.out, std::string("\n  ") + command + " "), 1) << command;
  }
}

TEST(command, help_of_a_command_shows_its_options) {
  const command_result result = command_runner().run("sweep --help");
  EXPECT_EQ(result.code, 0);
  EXPECT_THAT(result.out, HasSubstr("--retry-failed"));
  EXPECT_THAT(result.out, HasSubstr("CONFIG"));
}

TEST(command, simulates_by_every_simulator_alone_and_in_replicates) {
  const command_runner runner;
  // Rates at the canonical set and of the discrete network: tests/network/discrete_numpy_test.py. Over
  // 4 s they scatter by up to 2 %.
  for (const auto& [arguments, rate] :
       {std::pair{"zhang2024 --set sweep.simulator=tau_leaping sweep.dt_ms=0.2", 7.5}, {"wu2023_1beat", 41.5}}) {
    for (const char* replicates : {"", " --replicates 2"}) {
      const command_result result =
          runner.run("simulate " + std::string(arguments) + " --duration 4s --json" + replicates);
      EXPECT_EQ(result.code, 0) << result.err;
      EXPECT_NEAR(number_of(result.out, "rate_E_hz") / rate, 1, 0.06) << arguments << replicates;
    }
  }
}

TEST(command, config_reference_is_the_committed_one) {
  const command_result result = command_runner().run("--config-reference");
  EXPECT_EQ(result.code, 0);
  EXPECT_EQ(result.out, read_text(std::string(SPIKESWEEP_SOURCE_DIR) + "/configs/README.md"))
      << "stale: run `spikesweep --config-reference > configs/README.md`";
}

TEST(command, simulate_prints_one_json_object_to_stdout_once) {
  const command_result result = command_runner().run("simulate zhang2024 --duration 200ms --json");
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(count(result.out, "\n"), 1) << result.out;
  EXPECT_THAT(result.out, HasSubstr("\"rate_E_hz\":"));
  for (const char* key : {"rate_I_hz", "fano_E_1ms", "peak_hz", "wall_s", "realtime_factor", "events"}) {
    EXPECT_THAT(result.out, HasSubstr(std::string("\"") + key + "\":"));
  }
  EXPECT_THAT(result.out, HasSubstr("\"simulated_s\":0.2"));
}

TEST(command, simulate_gives_errors_over_replicates) {
  const command_runner runner;
  const std::string line = "simulate zhang2024 --duration 200ms --replicates 3 --json";
  const command_result result = runner.run(line);
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("\"replicates\":3"));
  EXPECT_THAT(result.out, HasSubstr("\"standard_errors\":{\"rate_E_hz\":"));
  EXPECT_EQ(without_wall_times(result.out), without_wall_times(runner.run(line).out));
  EXPECT_EQ(runner.run("simulate zhang2024 --duration 200ms --replicates 0").code, 2);
}

TEST(command, simulate_has_the_standard_errors_of_a_single_run_too) {
  const command_result table = command_runner().run("simulate zhang2024 --duration 2s");
  EXPECT_EQ(table.code, 0) << table.err;
  EXPECT_THAT(table.out, ContainsRegex("\nrate_E_hz +[0-9.]+ \\+- [0-9.]+ +Hz +E rate\n"));
  EXPECT_THAT(table.out, ContainsRegex("\nisi_cv_E +[0-9.]+ \\+- [0-9.]+ +ISI CV of E neurons\n"));
  EXPECT_THAT(table.out, Not(ContainsRegex("nan|inf|phase_rate_hz|spectrum_db")));
  // Windows of 100 ms and the spectrum need a longer run.
  const command_result shorter = command_runner().run("simulate zhang2024 --duration 150ms");
  EXPECT_THAT(shorter.out, ContainsRegex("\nfano_E_100ms +- +Fano factor of E counts in 100 ms\n"));
  EXPECT_THAT(shorter.out, Not(ContainsRegex("nan|inf")));
  EXPECT_THAT(shorter.err, HasSubstr("no value of fano_E_100ms, fano_I_100ms: the run is too short"));
  EXPECT_THAT(table.err, Not(HasSubstr("no value of")));
}

TEST(command, simulate_seeks_the_spectral_peak_within_a_band) {
  const command_runner runner;
  const std::string line = "simulate zhang2024 --duration 4s --json";
  const command_result usual = runner.run(line);
  EXPECT_THAT(usual.out, HasSubstr("\"peak_doubt\":null"));
  EXPECT_THAT(usual.err, Not(HasSubstr("peak")));
  const double rhythm = number_of(usual.out, "peak_hz");
  EXPECT_GT(rhythm, 20);
  EXPECT_EQ(number_of(runner.run(line + " --set validation.peak_lowest_hz=15").out, "peak_hz"), rhythm);
  const command_result other = runner.run(line + " --peak-band 70,120");
  EXPECT_EQ(other.code, 0) << other.err;
  EXPECT_THAT(other.out, HasSubstr("\"peak_doubt\":\"the highest peak of the spectrum is at "));
  EXPECT_THAT(other.err, AllOf(HasSubstr("outside 70 to 120 Hz"), HasSubstr("choose another band with --peak-band")));
  const command_result halved = runner.run("simulate cai2021_reg --duration 10s --set tau_EI=6 --json");
  EXPECT_THAT(halved.out, HasSubstr("\"peak_doubt\":\"the peak at 30.07 Hz may be a subharmonic"));
  for (const char* band : {"70", "120,70", "a,b", "20,120,3", "nan,50"}) {
    const command_result wrong = runner.run(line + " --peak-band " + band);
    EXPECT_EQ(wrong.code, 2);
    EXPECT_THAT(wrong.err, HasSubstr("is no band; give two frequencies in Hz"));
  }
  const command_result beyond = runner.run(line + " --peak-band 400,600");
  EXPECT_EQ(beyond.code, 2);
  EXPECT_THAT(beyond.err, HasSubstr("is outside the spectrum, which reaches from 0 to 500 Hz with bins of 1 ms"));
  const command_result narrow = runner.run(line + " --peak-band 40,42");
  EXPECT_EQ(narrow.code, 2);
  EXPECT_THAT(narrow.err, HasSubstr("40 to 42 Hz is too narrow"));
}

TEST(command, figure_reference_is_the_page_in_the_documentation) {
  const command_result result = command_runner().run("--figure-reference", 1);
  EXPECT_EQ(result.out, read_text(std::string(SPIKESWEEP_SOURCE_DIR) + "/docs/reference/figures.md"))
      << "stale: run `spikesweep --figure-reference > docs/reference/figures.md`";
}

TEST(command, simulate_takes_several_assignments_after_one_set) {
  const command_result result =
      command_runner().run("simulate --set S_EE=4.1 S_IE=3.2 zhang2024 --duration 100ms --json");
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("\"S_EE\":4.1,\"S_IE\":3.2"));
}

TEST(command, simulate_depends_on_the_seed_alone) {
  const command_runner runner;
  const std::string line = "simulate zhang2024 --duration 200ms --json";
  const std::string first = without_wall_times(runner.run(line).out);
  EXPECT_THAT(first, HasSubstr("rate_E_hz"));
  EXPECT_EQ(first, without_wall_times(runner.run(line).out));
  EXPECT_NE(first, without_wall_times(runner.run(line + " --set seed=2").out));
}

TEST(command, simulate_writes_the_spikes) {
  const command_runner runner;
  const command_result result = runner.run("simulate cai2021_small_reg --duration 200ms -o spikes.h5");
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(runner.files(), std::set<std::string>{"spikes.h5"});
}

TEST(command, a_runaway_network_fails_with_its_reason) {
  const command_runner runner;
  const command_result result =
      runner.run("simulate zhang2024 --set S_EE=40 S_EI=0 sweep.max_pending=20000 --duration 5s -o spikes.h5");
  EXPECT_EQ(result.code, 1);
  EXPECT_EQ(count(result.err, "spikesweep: error: "), 1) << result.err;
  EXPECT_THAT(result.err, HasSubstr("ran away"));
  EXPECT_TRUE(runner.files().empty());
}

TEST(command, plan_counts_points_tasks_and_samples) {
  const command_result result = command_runner().run(
      "plan quickstart --set design.points=30 --set design.replicates=2 --set sweep.transitions=50");
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("30 (6 train, 12 selection, 12 test)"));
  EXPECT_THAT(result.out, ::testing::ContainsRegex("\nsamples +3000\n"));
}

TEST(command, plan_gives_times_for_any_number_of_ranks) {
  const command_runner runner;
  const command_result table =
      runner.run("plan quickstart --ranks 64 --set N_E=30 N_I=10 sweep.transitions=20 sweep.burn_in_s=0.1");
  EXPECT_EQ(table.code, 0) << table.err;
  EXPECT_THAT(table.out, HasSubstr("\ntime on 1 rank "));
  EXPECT_THAT(table.out, HasSubstr("\ntime on 64 ranks "));
  if (patience() == 1) {  // Under sanitizers the kernel ends no trial task in time.
    EXPECT_THAT(table.out, HasSubstr(" trial tasks"));
  }
  const command_result json = runner.run("plan quickstart --ranks 64 --json");
  EXPECT_EQ(json.code, 0) << json.err;
  EXPECT_EQ(count(json.out, "\n"), 1) << json.out;
  EXPECT_THAT(json.out, HasSubstr("\"ranks\":64,\"wall_s\":"));
  EXPECT_LT(number_of(json.out, "wall_s"), number_of(json.out, "wall_s_on_one_rank"));
}

/// MPI cannot start with it.
constexpr const char* without_mpi = "OMPI_MCA_pml=none";

TEST(command, that_needs_no_mpi_starts_none) {
  const command_runner runner;
  ASSERT_EQ(runner.run("sweep quickstart --set design.points=30 sweep.transitions=10 -o a.h5").code, 0);
  ASSERT_NE(runner.run("verify a.h5", 1, without_mpi).code, 0) << "this test cannot tell";
  for (const char* line : {"--help", "--version", "status a.h5", "status --watch a.h5", "plan quickstart",
                           "simulate zhang2024 --duration 100ms"}) {
    const command_result result = runner.run(line, 1, without_mpi);
    EXPECT_EQ(result.code, 0) << line << ": " << result.err;
  }
}

TEST(command, status_gives_reasons_and_values_of_failed_points) {
  const command_runner runner;
  runner.write("mine.toml",
               "[network]\npreset = \"zhang2024\"\nS_EI = 0.0\n"
               "[design]\nkind = \"list\"\nselection_points = 0\ntest_points = 0\n[design.axes]\nS_EE = [0.1, 40.0]\n"
               "[sweep]\ntransitions = 10\nmax_pending = 20000\n");
  const command_result sweep = runner.run("sweep mine.toml -o a.h5");
  ASSERT_EQ(sweep.code, 3) << sweep.err;
  const command_result table = runner.run("status a.h5");
  EXPECT_THAT(table.out, ::testing::ContainsRegex("failed point  S_EE  attempts  reason\n *1 +40 +1  runaway\n"));
  const command_result json = runner.run("status a.h5 --json");
  EXPECT_THAT(json.out, HasSubstr("{\"point\":1,\"parameters\":{\"S_EE\":40},\"done\":0,\"failed\":1"));
  EXPECT_THAT(json.out, HasSubstr("\"runaway\":1,\"time_cap\":0,\"crashed\":0,\"attempts\":1"));
}

TEST(command, status_watches_a_sweep_from_before_it_starts_to_its_end) {
  const command_runner runner;
  const std::string sweep = SPIKESWEEP_BINARY " -q sweep quickstart --set design.points=40 -o a.h5 >sweep.out";
  const command_result watch = runner.run("status --watch 0.5 a.h5", 1, "{ (sleep 1; " + sweep + ") & };");
  EXPECT_EQ(watch.code, 0) << watch.err;
  EXPECT_THAT(watch.out, HasSubstr(" waiting for a.h5\n"));
  EXPECT_THAT(watch.out, HasSubstr("; running on 1 rank, since "));
  EXPECT_THAT(watch.out, ::testing::EndsWith("complete\n"));
  EXPECT_THAT(watch.out, HasSubstr(" 40 of 40 tasks (100 %), 0 failed"));
}

TEST(command, status_watch_ends_with_a_signal) {
  const command_runner runner;
  const command_result watch =
      runner.run("status --watch=0.5 nothing.h5", 1, "timeout --preserve-status --signal=INT 2");
  EXPECT_EQ(watch.code, 0) << watch.err;
  EXPECT_THAT(runner.run("status nothing.h5").err, HasSubstr("does not exist"));
}

TEST(command, status_watch_refuses_a_file_that_is_no_sweep) {
  const command_runner runner;
  runner.write("a.h5", "nothing of ours");
  EXPECT_EQ(runner.run("status --watch=0.5 a.h5", 1).code, 2);
  EXPECT_EQ(runner.run("status --watch=0.01 a.h5", 1).code, 2);
  EXPECT_EQ(runner.run("status --watch").code, 2);
}

TEST(command, sweep_resumes_and_status_and_verify_agree) {
  const command_runner runner;
  const std::string sweep = "sweep quickstart --set design.points=30 sweep.transitions=10 -o a.h5";
  const command_result first = runner.run(sweep);
  EXPECT_EQ(first.code, 0) << first.err;
  EXPECT_THAT(first.out, HasSubstr("found done  0\n"));
  EXPECT_THAT(runner.run(sweep).out, HasSubstr("found done  30\n"));
  const command_result status = runner.run("status a.h5 --json");
  EXPECT_EQ(status.code, 0) << status.err;
  EXPECT_THAT(status.out, HasSubstr("\"tasks\":30,\"done\":30,\"failed\":0"));
  const command_result verify = runner.run("verify a.h5");
  EXPECT_EQ(verify.code, 0) << verify.err;
  EXPECT_THAT(verify.out, HasSubstr("damaged   0\n"));
}

TEST(command, a_sweep_of_another_config_is_refused_by_the_keys_that_differ) {
  const command_runner runner;
  const std::string sweep = "sweep quickstart --set design.points=30 sweep.transitions=10 -o a.h5";
  ASSERT_EQ(runner.run(sweep).code, 0);
  const command_result other = runner.run(sweep + " --set seed=2 section.interval_ms=4");
  EXPECT_EQ(other.code, 2);
  EXPECT_EQ(count(other.err, "spikesweep: error: "), 1) << other.err;
  EXPECT_THAT(other.err, HasSubstr("seed"));
  EXPECT_THAT(other.err, HasSubstr("section.interval_ms"));
}

TEST(command, progress_and_messages_stay_off_stdout) {
  const command_result result = command_runner().run("-v simulate zhang2024 --duration 100ms --json");
  EXPECT_EQ(result.out.front(), '{');
  EXPECT_THAT(result.err, HasSubstr("simulate:"));
  EXPECT_EQ(command_runner().run("-q simulate zhang2024 --duration 100ms --json").err, "");
}

}  // namespace

}  // namespace spikesweep::testing
