// The main job from end to end, on a sweep small enough for a test: what is checked holds for any weights.
#include <ctime>
#include <fstream>
#include <regex>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "command_runner.hpp"

namespace spikesweep::testing {

namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string config(const std::string& section) {
  return "[network]\npreset = \"zhang2024\"\n"
         "[design]\nkind = \"latin_hypercube\"\npoints = 12\nselection_points = 2\ntest_points = 2\n"
         "[design.axes]\nS_EE = {min = 3.8, max = 4.2}\nS_EI = {min = 2.0, max = 2.4}\n"
         "[section]\nkind = \"" +
         section +
         "\"\n"
         "[sweep]\ntransitions = 80\n"
         "[learning]\nhidden = 32\nlayers = 2\ncomponents = 3\nepochs = 6\nbatch = 64\nshards = 8\ncandidates = 1\n"
         "selection_s = 1.0\nselection_chains = 2\n"
         "[validation]\nduration_s = 2.0\nchains = 2\n";
}

bool ends_with_report(const std::string& out) {
  return std::regex_search(out, std::regex("\nreport: out/report.html\n$"));
}

TEST(run, sweeps_trains_validates_and_reports_and_the_same_command_repeats_nothing) {
  const command_runner runner;
  runner.write("small.toml", config("interval"));
  const command_result first = runner.run("run small.toml -o out");
  ASSERT_EQ(first.code, 0) << first.err;
  EXPECT_THAT(first.out, HasSubstr("noise floor"));
  EXPECT_THAT(first.out, HasSubstr("2 held-out points"));
  EXPECT_THAT(first.out, HasSubstr("rates of 2 s"));
  EXPECT_THAT(first.out, HasSubstr("law, one step: coverage farthest off is "));
  EXPECT_THAT(first.out, Not(HasSubstr("published"))) << "there are no figures of this network";
  EXPECT_TRUE(ends_with_report(first.out)) << first.out;
  for (const char* name : {"sweep.h5", "model.h5", "validation.h5", "validation.txt", "report.html", "run.json"}) {
    EXPECT_TRUE(runner.files().contains(name)) << name;
  }
  EXPECT_FALSE(runner.files().contains("model.h5.checkpoint"));
  std::ifstream log(runner.directory() / "out" / "model.h5.log.jsonl");
  int epochs = 0;
  for (std::string line; std::getline(log, line); ++epochs) {
    EXPECT_THAT(line, HasSubstr("\"epoch\":" + std::to_string(epochs + 1) + ","));
    EXPECT_THAT(line, HasSubstr("\"profile_gradient\":"));
  }
  EXPECT_EQ(epochs, 6);
  const auto trained = std::filesystem::last_write_time(runner.directory() / "out" / "model.h5");
  const command_result second = runner.run("run small.toml -o out");
  EXPECT_EQ(second.code, 0) << second.err;
  EXPECT_EQ(second.out.substr(second.out.find("median")), first.out.substr(first.out.find("median")));
  EXPECT_EQ(std::filesystem::last_write_time(runner.directory() / "out" / "model.h5"), trained);

  // Changing how it is validated leaves the sweep and the model alone.
  const command_result third = runner.run("run small.toml -o out --set validation.seed=7");
  EXPECT_EQ(third.code, 0) << third.err;
  EXPECT_EQ(std::filesystem::last_write_time(runner.directory() / "out" / "model.h5"), trained);
  EXPECT_NE(third.out, second.out);

  const command_result other = runner.run("run small.toml -o out --set section.interval_ms=4");
  EXPECT_EQ(other.code, 2);
  EXPECT_THAT(other.err, HasSubstr("section.interval_ms"));
}

TEST(run, an_extended_or_fresh_sweep_is_learnt_and_validated_anew) {
  const command_runner runner;
  runner.write("small.toml", config("interval"));
  const auto out = runner.directory() / "out";
  ASSERT_EQ(runner.run("run small.toml -o out").code, 0);
  const std::string model = read_text(out / "model.h5");
  // As if the training of the smaller sweep had been interrupted: it is not to be gone on with.
  std::ofstream(out / "model.h5.checkpoint") << "stale";
  const std::string larger = "run small.toml -o out --set design.replicates=2";
  const command_result refused = runner.run(larger);
  EXPECT_EQ(refused.code, 2);
  EXPECT_THAT(refused.err, HasSubstr("--extend"));
  EXPECT_EQ(read_text(out / "model.h5"), model);
  const command_result extended = runner.run(larger + " --extend");
  EXPECT_EQ(extended.code, 0) << extended.err;
  EXPECT_NE(read_text(out / "model.h5"), model);
  EXPECT_EQ(read_text(out / "model.h5.old-1"), model) << "what is replaced is kept";
  EXPECT_EQ(read_text(out / "model.h5.checkpoint.old-1"), "stale");
  EXPECT_THAT(read_text(out / "config.toml"), HasSubstr("design.replicates=2"));
  EXPECT_TRUE(ends_with_report(extended.out));
  const auto trained = std::filesystem::last_write_time(out / "model.h5");
  EXPECT_EQ(runner.run(larger + " --extend").code, 0);
  EXPECT_EQ(std::filesystem::last_write_time(out / "model.h5"), trained) << "nothing grew: nothing to do";

  // Nothing of the old sweep outlives a fresh one, even if that gets no further than its first moments.
  std::ofstream(out / "model.h5.checkpoint") << "stale";
  const std::string passed = std::to_string(std::time(nullptr) - 60);
  const command_result ended =
      runner.run("run small.toml -o out --fresh", test_ranks(), "SLURM_JOB_ID=7 SLURM_JOB_END_TIME=" + passed);
  EXPECT_THAT(ended.err, HasSubstr("SLURM_JOB_END_TIME"));
  EXPECT_EQ(ended.code, 75) << ended.err;
  std::set<std::string> left = runner.files();
  std::erase_if(left, [](const std::string& name) { return name.find(".old-") != std::string::npos; });
  EXPECT_EQ(left, (std::set<std::string>{"small.toml", "out", "sweep.h5", "config.toml", "run.json"}));
  EXPECT_THAT(read_text(out / "run.json"), HasSubstr("\"state\":\"interrupted\",\"step\":\"sweep\""));
  EXPECT_THAT(read_text(out / "run.json"), HasSubstr("\"earlier\":[]"));
  EXPECT_EQ(runner.run("run small.toml -o out").code, 0);
  EXPECT_EQ(read_text(out / "config.toml"), config("interval"));
}

TEST(run, published_figures_stand_beside_ours_where_the_sweep_holds_their_network) {
  const command_runner runner;
  std::string small = config("interval");
  const auto replace = [&small](const std::string& from, const std::string& to) {
    small.replace(small.find(from), from.size(), to);
  };
  replace("zhang2024", "cai2021_small_reg");
  replace("S_EE = {min = 3.8, max = 4.2}\nS_EI = {min = 2.0, max = 2.4}", "tau_EE = {min = 1.6, max = 2.0}");
  runner.write("small.toml", small);
  const command_result run = runner.run("run small.toml -o out");
  ASSERT_EQ(run.code, 0) << run.err;
  EXPECT_TRUE(std::regex_search(run.out, std::regex("cai2021_small_reg +34.73 / 74.91 +40.56 / 76.35 +32.47 / 69.13 ")))
      << run.out;
  EXPECT_THAT(run.out, Not(HasSubstr("cai2021_small_hom"))) << "outside the trained range of tau_EE";
  EXPECT_THAT(run.out, HasSubstr("2 held-out points")) << "it is no test point";
  const command_result json = runner.run("validate small.toml -m out/model.h5 -o again.h5 --json");
  ASSERT_EQ(json.code, 0) << json.err;
  for (const char* part : {"\"preset\":\"cai2021_small_reg\"", "\"verdict_s\":2",
                           "\"indistinguishable\":", "\"standard_error_E_hz\":", "\"mean_pit\":"}) {
    EXPECT_THAT(json.out, HasSubstr(part));
  }
}

TEST(run, a_directory_in_use_is_refused) {
  const command_runner runner;
  runner.write("small.toml", config("interval"));
  std::filesystem::create_directory(runner.directory() / "out");
  const command_result refused = runner.run("run small.toml -o out --fresh", test_ranks(), "flock out/.lock");
  EXPECT_EQ(refused.code, 2);
  EXPECT_EQ(count(refused.err, "spikesweep: error: "), 1) << refused.err;
  EXPECT_THAT(refused.err, HasSubstr("out/ is in use by another job"));
}

TEST(run, the_model_predicts_within_its_range_and_says_where_that_ends) {
  const command_runner runner;
  runner.write("small.toml", config("interval"));
  ASSERT_EQ(runner.run("run small.toml -o out").code, 0);
  const command_result good = runner.run("predict -m out/model.h5 --set S_EE=4.0 --duration 2s --chains 2 --json");
  EXPECT_EQ(good.code, 0) << good.err;
  for (const char* key : {"rate_E_hz", "rate_I_hz", "peak_hz", "simulated_s", "wall_s", "realtime_factor"}) {
    EXPECT_THAT(good.out, HasSubstr(std::string("\"") + key + "\":"));
  }
  EXPECT_THAT(good.out, HasSubstr("\"validation\":{\"verdict\":\"verdict: "));
  // What the validation found goes with a copy of the model, and does not make it another one.
  std::filesystem::copy_file(runner.directory() / "out" / "model.h5", runner.directory() / "copy.h5");
  const command_result copy = runner.run("predict -m copy.h5 --set S_EE=4.0 --duration 2s");
  EXPECT_THAT(copy.out, HasSubstr("error at the test points: median (worst)"));
  EXPECT_THAT(runner.run("run small.toml -o out").err, HasSubstr("validate: out/validation.h5 is up to date"));
  const command_result outside = runner.run("predict -m out/model.h5 --set S_EE=5 --duration 1s");
  EXPECT_EQ(outside.code, 2);
  EXPECT_THAT(outside.err, HasSubstr("--extrapolate"));
  EXPECT_EQ(runner.run("predict -m out/model.h5 --set S_EE=4.3 --duration 1s --extrapolate").code, 0);
  const command_result fixed = runner.run("predict -m out/model.h5 --set tau_EE=3 --duration 1s");
  EXPECT_EQ(fixed.code, 2);
  EXPECT_THAT(fixed.err, HasSubstr("not an axis"));
  const command_result hybrid = runner.run("predict -m out/model.h5 --duration 1s --hybrid");
  EXPECT_EQ(hybrid.code, 2);
  EXPECT_THAT(hybrid.err, HasSubstr("interval"));
  const command_result foreign = runner.run("predict -m out/sweep.h5 --duration 1s");
  EXPECT_EQ(foreign.code, 2);
  EXPECT_EQ(count(foreign.err, "spikesweep: error: "), 1) << foreign.err;
}

TEST(run, a_model_of_multiple_firing_events_runs_free_and_hybrid) {
  const command_runner runner;
  runner.write("small.toml", config("mfe"));
  const command_result run = runner.run("run small.toml -o out");
  ASSERT_EQ(run.code, 0) << run.err;
  EXPECT_THAT(run.out, HasSubstr("interval_mean_s"));
  EXPECT_EQ(runner.run("predict -m out/model.h5 --duration 1s").code, 0);
  EXPECT_EQ(runner.run("predict -m out/model.h5 --duration 1s --hybrid").code, 0);
}

TEST(run, training_by_hand_refuses_a_sweep_of_other_settings_and_a_truncated_file) {
  const command_runner runner;
  runner.write("small.toml", config("interval"));
  ASSERT_EQ(runner.run("sweep small.toml -o a.h5").code, 0);
  const command_result other = runner.run("train small.toml --set sweep.transitions=90 -d a.h5 -o model.h5");
  EXPECT_EQ(other.code, 2);
  EXPECT_THAT(other.err, HasSubstr("sweep.transitions"));
  std::filesystem::resize_file(runner.directory() / "a.h5", 1000);
  const command_result cut = runner.run("train small.toml -d a.h5 -o model.h5");
  EXPECT_EQ(cut.code, 2);
  EXPECT_EQ(count(cut.err, "spikesweep: error: "), 1) << cut.err;
  EXPECT_FALSE(runner.files().contains("model.h5"));
}

TEST(run, without_a_config_means_the_built_in_quickstart) {
  const command_runner runner;
  const command_result result = runner.run(
      "run -o out --set design.points=10 design.selection_points=2 design.test_points=2 sweep.transitions=70 "
      "learning.epochs=1 learning.hidden=16 learning.candidates=1 validation.duration_s=2 validation.chains=2");
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_TRUE(ends_with_report(result.out)) << result.out;
}

}  // namespace

}  // namespace spikesweep::testing
