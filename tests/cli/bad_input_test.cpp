// Bad input is refused before anything runs: exit code 2, one line on standard error that says what and where, nothing
// on standard output, no file, no hang; alone and under mpirun.
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "command_runner.hpp"

namespace spikesweep::testing {

namespace {

using ::testing::HasSubstr;

const std::string valid_config = R"([network]
preset = "zhang2024"

[design]
kind = "sobol"
points = 40

[design.axes]
S_EE = {min = 3.5, max = 4.5}
)";

struct bad_input {
  std::string name;
  std::string arguments;
  std::vector<std::string> says;      ///< All of these are in the error line.
  std::string config = valid_config;  ///< Text of c.toml.
};

void PrintTo(const bad_input& bad, std::ostream* out) {
  *out << bad.name;
}

std::string with(const std::string& lines) {
  return valid_config + "\n" + lines + "\n";
}

class bad_input_command : public ::testing::TestWithParam<bad_input> {};

TEST_P(bad_input_command, is_refused_on_one_line) {
  const bad_input& bad = GetParam();
  const command_runner runner;
  runner.write("c.toml", bad.config);
  const auto before = runner.files();
  const command_result result = runner.run(bad.arguments);
  EXPECT_EQ(result.code, 2) << result.err;
  EXPECT_EQ(result.out, "");
  EXPECT_EQ(count(result.err, "spikesweep: error: "), 1) << result.err;
  const std::size_t begin = result.err.find("spikesweep: error: ");
  ASSERT_NE(begin, std::string::npos);
  const std::string line = result.err.substr(begin, result.err.find('\n', begin) - begin);
  for (const std::string& part : bad.says) {
    EXPECT_THAT(line, HasSubstr(part));
  }
  if (test_ranks() == 1) {
    EXPECT_EQ(result.err, line + "\n");
  }
  EXPECT_EQ(runner.files(), before);
}

const std::string sweep = "sweep c.toml -o a.h5";

// Of the config file.
INSTANTIATE_TEST_SUITE_P(
    config, bad_input_command,
    ::testing::Values(
        bad_input{"unknown_key",
                  sweep,
                  {"c.toml:12: unknown key 'sweep.perturb_shar'", "did you mean 'sweep.perturb_share'?"},
                  with("[sweep]\nperturb_shar = 0.1")},
        bad_input{"key_without_section",
                  sweep,
                  {"c.toml:1: unknown key 'perturb_share'", "did you mean 'sweep.perturb_share'?"},
                  "perturb_share = 0.1\n" + valid_config},
        bad_input{"unknown_section", sweep, {"c.toml:11: unknown key 'sweeep'"}, with("[sweeep]\ntransitions = 3")},
        bad_input{"unknown_axis",
                  sweep,
                  {"c.toml:10: unknown key 'design.axes.S_EF'", "did you mean 'design.axes.S_EE'?"},
                  valid_config + "S_EF = {min = 1, max = 2}\n"},
        bad_input{"wrong_type",
                  sweep,
                  {"c.toml:12: key 'sweep.transitions' = \"many\"", "whole number", "1 to"},
                  with("[sweep]\ntransitions = \"many\"")},
        bad_input{"list_for_number",
                  sweep,
                  {"c.toml:12: key 'sweep.burn_in_s' = [1, 2]", "is not a number"},
                  with("[sweep]\nburn_in_s = [1, 2]")},
        bad_input{"date_for_number",
                  sweep,
                  {"c.toml:12: key 'sweep.burn_in_s'", "wrong type"},
                  with("[sweep]\nburn_in_s = 2024-01-01")},
        bad_input{"value_for_section", sweep, {"c.toml:1: 'sweep' = 3 is a section"}, "sweep = 3\n" + valid_config},
        bad_input{"out_of_range",
                  sweep,
                  {"c.toml:12: key 'sweep.perturb_share' = 1.5 is out of range", "allowed: 0 to 1"},
                  with("[sweep]\nperturb_share = 1.5")},
        bad_input{"shares_of_more_than_all",
                  sweep,
                  {"c.toml:12: key 'sweep.synthetic_share'", "more than 1 with perturb_share (0.05)"},
                  with("[sweep]\nsynthetic_share = 0.99")},
        bad_input{"more_phases_than_the_file_can_count",
                  sweep,
                  {"c.toml:12: key 'sweep.perturb_phases' = 255 is out of range", "whole numbers 1 to 254"},
                  with("[sweep]\nperturb_phases = 255")},
        bad_input{"not_finite",
                  sweep,
                  {"c.toml:12: key 'sweep.burn_in_s' = nan is not finite"},
                  with("[sweep]\nburn_in_s = nan")},
        bad_input{"not_whole",
                  sweep,
                  {"c.toml:12: key 'sweep.transitions' = 10.5 is not a whole number"},
                  with("[sweep]\ntransitions = 10.5")},
        bad_input{"unknown_word",
                  sweep,
                  {"c.toml:12: key 'section.kind' = \"intervall\"", "did you mean 'interval'?"},
                  with("[section]\nkind = \"intervall\"")},
        bad_input{"unknown_preset",
                  sweep,
                  {"c.toml:2: key 'network.preset' = \"zhang2023\"", "did you mean 'zhang2024'?"},
                  "[network]\npreset = \"zhang2023\"\n"},
        bad_input{"syntax_error", sweep, {"c.toml:12: not valid TOML"}, with("[sweep]\ntransitions = = 3")},
        bad_input{"leaping_of_a_discrete_network",
                  "simulate c.toml --duration 1s",
                  {"c.toml:4: key 'sweep.simulator'", "network.model"},
                  "network.preset = \"wu2023_2beat\"\n\n[sweep]\nsimulator = \"tau_leaping\"\n"},
        bad_input{"interval_between_steps",
                  sweep,
                  {"key 'section.interval_ms'", "multiple of sweep.dt_ms (0.3)"},
                  with("[sweep]\nsimulator = \"tau_leaping\"\ndt_ms = 0.3")},
        bad_input{"cap_between_steps",
                  sweep,
                  {"c.toml:16: key 'section.cap_ms'", "multiple of sweep.dt_ms (0.4)"},
                  with("[sweep]\nsimulator = \"tau_leaping\"\ndt_ms = 0.4\n[section]\nkind = \"mfe\"\ncap_ms = 5.1")},
        bad_input{"external_weight_of_a_markov_network",
                  sweep,
                  {"c.toml:3: key 'network.S_ext'", "1 in a Markov network"},
                  valid_config.substr(0, valid_config.find("\n\n")) + "\nS_ext = 0.9" +
                      valid_config.substr(valid_config.find("\n\n"))},
        bad_input{"axis_of_external_weights_in_a_markov_network",
                  sweep,
                  {"c.toml:10: key 'design.axes.S_ext'", "1 in a Markov network"},
                  valid_config + "S_ext = {min = 0.8, max = 1.0}\n"},
        bad_input{"rest_in_a_discrete_network",
                  "simulate zhang2024 --duration 1s --set model=discrete",
                  {"key 'network.tau_ref'", "no refractory time"}},
        bad_input{
            "key_given_twice", sweep, {"c.toml:13: not valid TOML"}, with("[sweep]\ntransitions = 3\ntransitions = 4")},
        bad_input{"not_text", sweep, {"c.toml:1: not valid TOML"}, std::string("\x89HDF\r\n\x1a\n\0\0\0", 11)},
        bad_input{"no_axes", sweep, {"c.toml", "zero points", "design.axes"}, "[network]\npreset = \"zhang2024\"\n"},
        bad_input{"no_axes_plan", "plan c.toml", {"c.toml", "zero points"}, "seed = 1\n"},
        bad_input{"fewer_rows_than_shards",
                  "run c.toml -o d",
                  {"training rows cannot be cut into learning.shards = 64 parts"},
                  with("[sweep]\ntransitions = 1")},
        bad_input{"buffer_of_less_than_two_batches",
                  "run c.toml -o d",
                  {"learning.buffer_MiB = 1 does not hold two batches", "allowed: at least"},
                  with("[learning]\nbuffer_MiB = 1\nbatch = 16384")},
        bad_input{"no_axes_run", "run c.toml -o d", {"c.toml", "zero points"}, "seed = 1\n"},
        bad_input{"zero_points",
                  sweep,
                  {"key 'design.points' = 0 is out of range"},
                  "[design]\npoints = 0\n[design.axes]\nS_EE = {min = 3, max = 4}\n"},
        bad_input{"empty_axis",
                  sweep,
                  {"c.toml:4: key 'design.axes.S_EE' = [] has no values"},
                  "[design]\nkind = \"grid\"\n[design.axes]\nS_EE = []\n"}),
    [](const auto& info) { return info.param.name; });

// Combinations of values that are possible one by one.
INSTANTIATE_TEST_SUITE_P(
    combination, bad_input_command,
    ::testing::Values(
        bad_input{"volley_ends_above_its_start",
                  sweep,
                  {"c.toml:12: key 'section.volley_end' = 2", "below volley_start (1)"},
                  with("[section]\nvolley_end = 2.0")},
        bad_input{"mfe_ends_above_its_start",
                  sweep,
                  {"c.toml:12: key 'section.mfe_end' = 3", "below mfe_start (3)"},
                  with("[section]\nmfe_end = 3")},
        bad_input{"task_without_a_quiet_phase",
                  sweep,
                  {"c.toml:14: key 'sweep.transitions' = 1", "at least 2 with section.kind = 'mfe'"},
                  with("[section]\nkind = \"mfe\"\n[sweep]\ntransitions = 1")},
        bad_input{"hybrid_shorter_than_a_segment",
                  sweep,
                  {"c.toml:14: key 'validation.hybrid_s' = 0.5", "segment_s = 1"},
                  with("[section]\nkind = \"mfe\"\n[validation]\nhybrid_s = 0.5")},
        bad_input{"peak_band_backwards",
                  sweep,
                  {"c.toml:12: key 'validation.peak_lowest_hz' = 120", "below peak_highest_hz (120 Hz)"},
                  with("[validation]\npeak_lowest_hz = 120")},
        bad_input{"peak_band_outside_the_spectrum",
                  sweep,
                  {"key 'validation.peak_lowest_hz' = 20", "outside the spectrum, which ends at 20 Hz (bin_ms = 25)"},
                  with("[validation]\nbin_ms = 25")},
        bad_input{
            "peak_band_too_narrow",
            sweep,
            {"c.toml:12: key 'validation.peak_lowest_hz' = 117", "at least 5 Hz below the end of the band (120 Hz)"},
            with("[validation]\npeak_lowest_hz = 117")},
        bad_input{"burn_in_longer_than_cap",
                  sweep,
                  {"c.toml:12: key 'sweep.burn_in_s' = 700", "max_simulated_s"},
                  with("[sweep]\nburn_in_s = 700")},
        bad_input{"axis_backwards",
                  sweep,
                  {"c.toml:2: key 'design.axes.S_EE'", "min that is not below its max"},
                  "[design.axes]\nS_EE = {min = 4.5, max = 3.5}\n"},
        bad_input{"axis_out_of_range",
                  sweep,
                  {"c.toml:2: key 'design.axes.P_EE'", "2, which is out of range", "0 to 1"},
                  "[design.axes]\nP_EE = {min = 0.5, max = 2}\n"},
        bad_input{"axis_without_max",
                  sweep,
                  {"c.toml:2: key 'design.axes.S_EE'", "needs both min and max"},
                  "[design.axes]\nS_EE = {min = 4.5}\n"},
        bad_input{"axis_with_unknown_key",
                  sweep,
                  {"unknown key 'maxx'", "did you mean 'max'?"},
                  "[design.axes]\nS_EE = {min = 4.5, maxx = 5}\n"},
        bad_input{"grid_without_steps",
                  sweep,
                  {"c.toml:4: key 'design.axes.S_EE'", "needs steps"},
                  "[design]\nkind = \"grid\"\n[design.axes]\nS_EE = {min = 3, max = 4}\n"},
        bad_input{"sobol_with_values",
                  sweep,
                  {"c.toml:2: key 'design.axes.S_EE'", "'sobol'"},
                  "[design.axes]\nS_EE = [3, 4]\n"},
        bad_input{"lists_of_unequal_length",
                  sweep,
                  {"c.toml:5: key 'design.axes.S_IE'", "3 values", "S_EE has 2"},
                  "[design]\nkind = \"list\"\n[design.axes]\nS_EE = [3, 4]\nS_IE = [1, 2, 3]\n"},
        bad_input{"no_point_to_train_on",
                  sweep,
                  {"c.toml:2: key 'design.points' = 24", "no point to train on"},
                  "[design]\npoints = 24\nselection_points = 12\ntest_points = 12\n[design.axes]\nS_EE = {min = 3, max "
                  "= 4}\n"},
        bad_input{"grid_all_held_out",
                  sweep,
                  {"c.toml", "none would be left to train on"},
                  "[design]\nkind = \"grid\"\nselection_points = 1\ntest_points = 1\n[design.axes]\nS_EE = [3, 4]\n"},
        bad_input{"point_without_an_axis",
                  sweep,
                  {"c.toml:11: key 'design.test_at' = [{S_IE = 3}] has a point, number 1, that lacks the "
                   "axis S_EE"},
                  with("[[design.test_at]]\nS_IE = 3")},
        bad_input{"point_off_its_axis",
                  sweep + " --set 'design.test_at=[{S_EE=4}, {S_EE=4.6}]'",
                  {"--set: key 'design.test_at' =",
                   "number 2, that has S_EE = 4.6 outside its axis, 3.5 to "
                   "4.5"}},
        bad_input{"point_with_what_is_no_axis",
                  sweep + " --set 'design.train_at=[{S_EE=4, S_IE=3}]'",
                  {"has a value of S_IE, which is no axis of the design; its axes: S_EE"}},
        bad_input{"point_with_unknown_parameter",
                  sweep + " --set 'design.selection_at=[{S_EF=4}]'",
                  {"key 'design.selection_at' = [{S_EF = 4}] has the unknown parameter 'S_EF'; did you mean "
                   "'S_EE'?",
                   "allowed: [{PARAMETER = v, ...}, ...]"}},
        bad_input{"point_that_is_no_table",
                  sweep + " --set 'design.test_at=[4, 3]'",
                  {"key 'design.test_at' = [4, 3] is not a list of tables of values"}},
        bad_input{"shards_do_not_divide_batch",
                  sweep,
                  {"c.toml:12: key 'learning.shards' = 7", "has to divide batch"},
                  with("[learning]\nshards = 7")},
        bad_input{"more_candidates_than_epochs",
                  sweep,
                  {"c.toml:12: key 'learning.candidates' = 30", "at most epochs"},
                  with("[learning]\ncandidates = 30\nepochs = 20")},
        bad_input{"refining_without_an_ensemble",
                  "run c.toml -o d --refine 3",
                  {"key 'learning.members' = 1 has to be at least 2 for design.refine_rounds = 3"}},
        bad_input{"more_picks_than_candidates",
                  sweep + " --set design.refine_points=9 design.refine_candidates=8",
                  {"key 'design.refine_points' = 9 has to be at most refine_candidates (8)"}},
        bad_input{"chains_shorter_than_segment",
                  sweep,
                  {"key 'validation.duration_s' = 2", "spectral segment"},
                  with("[validation]\nduration_s = 2.0")}),
    [](const auto& info) { return info.param.name; });

// Of the command line.
INSTANTIATE_TEST_SUITE_P(
    command_line, bad_input_command,
    ::testing::Values(
        bad_input{"no_command", "", {"no command given"}},
        bad_input{"unknown_command", "swep c.toml -o a.h5", {"unknown command 'swep'", "did you mean 'sweep'?"}},
        bad_input{"unknown_flag", "sweep c.toml -o a.h5 --frobnicate", {"--frobnicate"}},
        bad_input{"misspelt_required_option",
                  "sweep c.toml --ouptut a.h5",
                  {"unknown option '--ouptut'; did you mean '--output'?"}},
        bad_input{"misspelt_flag",
                  "sweep c.toml -o a.h5 --retry-faild",
                  {"unknown option '--retry-faild'; did you mean '--retry-failed'?"}},
        bad_input{"no_config", "sweep -o a.h5", {"CONFIG is required"}},
        bad_input{"no_output", "sweep c.toml", {"--output is required"}},
        bad_input{"missing_config", "sweep missing.toml -o a.h5", {"'missing.toml' does not exist"}},
        bad_input{"misspelt_built_in",
                  "plan quikstart",
                  {"'quikstart' does not exist", "did you mean the built-in 'quickstart'?"}},
        bad_input{"config_is_directory", "plan ./", {"'./' is not a file"}},
        bad_input{"empty_config", "plan /dev/fd/0", {"'/dev/fd/0'"}},
        bad_input{"missing_output_directory", "sweep c.toml -o no/such/a.h5", {"no/such/a.h5", "does not exist"}},
        bad_input{"output_is_directory", "sweep c.toml -o .", {"'.' is a directory"}},
        bad_input{"contradictory_flags", "-v -q plan c.toml", {"--quiet", "--verbose"}},
        bad_input{"fresh_and_extend", "sweep c.toml -o a.h5 --fresh --extend", {"--extend excludes --fresh"}},
        bad_input{"fresh_and_retry", "run c.toml -o d --fresh --retry-failed", {"--retry-failed excludes --fresh"}},
        bad_input{"output_given_twice", "sweep c.toml -o a.h5 -o b.h5", {"--output"}},
        bad_input{"unknown_set_parameter",
                  "simulate c.toml --duration 1s --set S_EF=4",
                  {"--set: unknown key 'S_EF'", "did you mean 'network.S_EE'?"}},
        bad_input{"unknown_set_key",
                  "plan c.toml --set sweep.transition=4",
                  {"--set: unknown key 'sweep.transition'", "did you mean 'sweep.transitions'?"}},
        bad_input{"set_out_of_range",
                  "simulate c.toml --duration 1s --set P_EE=1.5",
                  {"--set: key 'network.P_EE' = 1.5 is out of range", "allowed: 0 to 1"}},
        bad_input{"set_wrong_type",
                  "simulate c.toml --duration 1s --set S_EE=big",
                  {"--set: key 'network.S_EE' = \"big\" is not a number"}},
        bad_input{"set_second_wrong",
                  "simulate c.toml --duration 1s --set S_EE=4 S_IE=big",
                  {"--set: key 'network.S_IE' = \"big\""}},
        bad_input{"set_without_value", "plan c.toml --set S_EE", {"'S_EE' is not of the form key=value"}},
        bad_input{"set_of_swept_parameter",
                  "sweep c.toml -o a.h5 --set S_EE=4",
                  {"'network.S_EE' is swept by 'design.axes.S_EE'"}},
        bad_input{"duration_without_unit", "simulate c.toml --duration 5", {"duration '5' has no unit", "allowed:"}},
        bad_input{"duration_of_unknown_unit", "simulate c.toml --duration 5parsec", {"unknown unit 'parsec'"}},
        bad_input{"duration_of_zero", "simulate c.toml --duration 0s", {"duration '0s' is out of range"}},
        bad_input{"duration_negative", "simulate c.toml --duration=-5s", {"duration '-5s' is out of range"}},
        bad_input{"duration_too_long", "simulate c.toml --duration 1e9s", {"duration '1e9s' is out of range"}},
        bad_input{"no_duration", "simulate c.toml", {"--duration is required"}},
        bad_input{"status_of_missing_file", "status missing.h5", {"'missing.h5' does not exist"}},
        bad_input{"status_of_foreign_directory", "status . --json", {"holds no sweep.h5"}},
        bad_input{"status_of_foreign_file", "status c.toml", {"c.toml"}},
        bad_input{"verify_missing_file", "verify missing.h5", {"missing.h5"}},
        bad_input{"train_missing_data", "train c.toml -d missing.h5 -o m.h5", {"missing.h5"}},
        bad_input{"train_onto_its_data", "train c.toml -d c.toml -o c.toml", {"output 'c.toml'", "let it end in .h5"}},
        bad_input{"train_without_output", "train c.toml -d a.h5", {"train needs -o MODEL.h5", "--find-lr"}},
        bad_input{"range_test_onto_a_model",
                  "train c.toml -d a.h5 --find-lr -o model.h5",
                  {"'model.h5'", "has to end in .csv"}},
        bad_input{"json_of_a_training", "train c.toml -d a.h5 -o m.h5 --json", {"--json requires --find-lr"}},
        bad_input{"no_members",
                  "plan c.toml --set learning.members=0",
                  {"key 'learning.members' = 0 is out of range", "allowed: whole numbers 1 to 100"}},
        bad_input{"validate_missing_model", "validate c.toml -m missing.h5 -o v.h5", {"missing.h5"}},
        bad_input{"predict_missing_model", "predict -m missing.h5 --duration 1s", {"missing.h5"}},
        bad_input{"later_set_wins", "plan c.toml --set seed=1 --set seed=-1", {"--set: key 'seed' = -1"}}),
    [](const auto& info) { return info.param.name; });

}  // namespace

}  // namespace spikesweep::testing
