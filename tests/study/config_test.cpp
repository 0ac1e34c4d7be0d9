#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/network/simulators.hpp>
#include <spikesweep/study/config.hpp>

#include "study/embedded.hpp"

namespace spikesweep {

namespace {

using ::testing::HasSubstr;

configuration parse(const std::string& text, const std::vector<std::string>& overrides = {}) {
  return parse_configuration({text, "test.toml"}, overrides);
}

std::string error_of(const std::string& text, const std::vector<std::string>& overrides = {}) {
  try {
    parse(text, overrides);
  } catch (const input_error& error) {
    return error.what();
  }
  return "no error";
}

parameters network(int N_E, int N_I, double S_EE, double S_IE, double S_EI, double S_II, inhibition_kind inhibition,
                   double lambda, double tau_EE, double tau_IE, double tau_I, double tau_ref) {
  parameters p;
  p.N_E = N_E;
  p.N_I = N_I;
  p.P_EE = 0.15;
  p.P_IE = 0.5;
  p.P_EI = 0.5;
  p.P_II = 0.4;
  p.S_EE = S_EE;
  p.S_IE = S_IE;
  p.S_EI = S_EI;
  p.S_II = S_II;
  p.inhibition = inhibition;
  p.lambda_E = p.lambda_I = lambda;
  p.tau_EE = tau_EE;
  p.tau_IE = tau_IE;
  p.tau_EI = p.tau_II = tau_I;
  p.tau_ref = tau_ref;
  return p;
}

/// A weight as the presets write it.
double six_digits(double weight) {
  return std::round(1e6 * weight) / 1e6;
}

/// Wu et al. 2023, Chaos 33:043121, but for P and S_ext.
parameters discrete_network_of(double x) {
  constexpr double p = 0.7;
  parameters n = network(300, 100, six_digits(0.75 / p), six_digits(1 / p), six_digits(4.91 * x / p),
                         six_digits(4.91 * 0.4 / p), inhibition_kind::voltage_dependent, 7000, 1.4, 1.2, 4.5, 0);
  n.P_EE = n.P_IE = n.P_EI = n.P_II = p;
  n.S_ext = 0.9;
  n.model = network_model::discrete;
  return n;
}

// Zhang et al. 2024, J. Math. Biol., doi 10.1007/s00285-024-02081-0; Cai et al. 2021, Front. Comput. Neurosci.
// 15:678688.
TEST(presets, have_the_published_values) {
  constexpr auto constant = inhibition_kind::constant;
  constexpr auto dependent = inhibition_kind::voltage_dependent;
  const std::vector<std::pair<std::string, parameters>> published{
      {"zhang2024", network(300, 100, 4, 3, 2.2, 2, constant, 3000, 2, 2, 3, 4)},
      {"cai2021_hom", network(300, 100, 5, 2, 4.91, 4.91, dependent, 7000, 4, 1.2, 4.5, 2.5)},
      {"cai2021_reg", network(300, 100, 5, 2, 4.91, 4.91, dependent, 7000, 2, 1.2, 4.5, 2.5)},
      {"cai2021_syn", network(300, 100, 5, 2, 4.91, 4.91, dependent, 7000, 1.3, 0.95, 4.5, 2.5)},
      {"cai2021_small_hom", network(75, 25, 20, 8, 20, 20, dependent, 7000, 4, 1.2, 4.5, 0)},
      {"cai2021_small_reg", network(75, 25, 20, 8, 20, 20, dependent, 7000, 1.7, 1.2, 4.5, 0)},
      {"cai2021_small_syn", network(75, 25, 20, 8, 20, 20, dependent, 7000, 1.4, 1.2, 4.5, 0)},
      {"wu2023_1beat", discrete_network_of(0.40)},
      {"wu2023_2beat", discrete_network_of(0.427)},
      {"wu2023_3beat", discrete_network_of(0.416)},
  };
  for (const auto& [name, expected] : published) {
    EXPECT_EQ(parse(fmt::format("[network]\npreset = \"{}\"", name)).network, expected) << name;
    EXPECT_EQ(load_configuration(name, {}).network, expected) << name;
  }
  EXPECT_EQ(embedded_configs().size(), published.size() + 1);
}

TEST(presets, write_every_parameter_out_that_was_there_from_the_start) {
  for (const embedded_config& preset : embedded_configs()) {
    if (preset.name == "quickstart") {
      continue;
    }
    for (const parameter_info& info : parameter_table()) {
      if (!info.absent) {
        EXPECT_THAT(std::string(preset.text), HasSubstr(fmt::format("\n{} = ", info.name))) << preset.name;
      }
    }
    EXPECT_THAT(std::string(preset.text), HasSubstr("\ninhibition = ")) << preset.name;
    EXPECT_THAT(std::string(preset.text), HasSubstr("\nmodel = ")) << preset.name;
    EXPECT_THAT(std::string(preset.text), HasSubstr("# Source: ")) << preset.name;
  }
}

TEST(quickstart, describes_a_sweep_over_the_four_weights) {
  const configuration config = load_configuration("quickstart", {});
  const sweep_description sweep = describe_sweep(config);
  EXPECT_EQ(sweep.points.axes, (std::vector<std::string>{"S_EE", "S_IE", "S_EI", "S_II"}));
  EXPECT_EQ(sweep.points.size(), config.design.points);
  EXPECT_EQ(sweep.seed, config.seed);
  auto settings = canonical_settings(config, config_group::sweep);
  settings.emplace_back("simulator", std::string(simulator_of_tasks(network_model::markov, {}).version));
  EXPECT_EQ(sweep.settings, settings);
}

TEST(config, of_nothing_is_the_defaults) {
  const configuration config = parse("");
  EXPECT_EQ(config.network, parameters());
  EXPECT_EQ(config.section, section_settings());
  EXPECT_EQ(config.design, design_settings());
  EXPECT_EQ(config.learning, learning_settings());
  EXPECT_EQ(config.validation, validation_settings());
  EXPECT_EQ(config.seed, 1U);
}

TEST(config, preset_comes_before_other_keys_wherever_it_stands) {
  const configuration config = parse("[network]\nS_EE = 7.5\npreset = \"cai2021_reg\"");
  EXPECT_EQ(config.network.S_EE, 7.5);
  EXPECT_EQ(config.network.tau_ref, 2.5);
}

TEST(config, axes_keep_the_order_of_the_parameters) {
  const configuration config = parse(
      "[design]\nkind = \"grid\"\n[design.axes]\ntau_EE = [1, 2]\nS_II = {min = 1, max = 2, steps = 3}\nN_E = [300]");
  ASSERT_EQ(config.design.axes.size(), 3U);
  EXPECT_EQ(config.design.axes[0].parameter, "N_E");
  EXPECT_EQ(config.design.axes[1].parameter, "S_II");
  EXPECT_EQ(config.design.axes[1].steps, 3);
  EXPECT_EQ(config.design.axes[2].values, (std::vector<double>{1, 2}));
}

TEST(config, points_by_their_values_are_lists_of_tables) {
  const std::string axes = "[design.axes]\nS_EE = {min = 3, max = 5}\ntau_EE = {min = 1, max = 2}\n";
  const std::vector<named_point> points{{{"S_EE", 4.0}, {"tau_EE", 1.5}}, {{"S_EE", 3.0}, {"tau_EE", 2.0}}};
  EXPECT_EQ(parse(axes + "[design]\ntest_at = [{S_EE = 4, tau_EE = 1.5}, {tau_EE = 2.0, S_EE = 3}]").design.test_at,
            points);
  EXPECT_EQ(parse(axes + "[[design.test_at]]\nS_EE = 4\ntau_EE = 1.5\n[[design.test_at]]\nS_EE = 3\ntau_EE = 2")
                .design.test_at,
            points);
  EXPECT_TRUE(parse(axes, {"design.test_at=[]"}).design.test_at.empty());
  EXPECT_EQ(canonical_settings(parse(axes), config_group::sweep),
            canonical_settings(parse(axes, {"design.train_at=[]"}), config_group::sweep))
      << "sweeps made before there were such keys have to be resumed";
}

TEST(config, whole_numbers_may_be_written_as_floats) {
  EXPECT_EQ(parse("[sweep]\nmax_pending = 2e5").sampling.max_pending, 200000);
}

TEST(overrides, reach_every_kind_of_key) {
  const configuration config = parse(
      "", {"S_EE=4.1", "network.S_IE = 2.9", "section.kind=mfe", "sweep.transitions=7", "validation.baselines=false",
           "design.axes.S_II={min=1,max=2}", "inhibition=voltage_dependent", "seed=9"});
  EXPECT_EQ(config.network.S_EE, 4.1);
  EXPECT_EQ(config.network.S_IE, 2.9);
  EXPECT_EQ(config.network.inhibition, inhibition_kind::voltage_dependent);
  EXPECT_EQ(config.section.kind, section_kind::mfe);
  EXPECT_EQ(config.sampling.transitions, 7);
  EXPECT_FALSE(config.validation.baselines);
  EXPECT_EQ(config.design.axes.size(), 1U);
  EXPECT_EQ(config.seed, 9U);
}

TEST(overrides, of_the_preset_replace_the_network) {
  const configuration config = parse("[network]\nS_EE = 7.5", {"network.S_II=1.5", "network.preset=cai2021_small_hom"});
  EXPECT_EQ(config.network.S_EE, 20);
  EXPECT_EQ(config.network.S_II, 1.5);
}

TEST(overrides, cannot_smuggle_in_other_keys) {
  EXPECT_THAT(error_of("", {"S_EE=4\nseed=2"}), HasSubstr("S_EE"));
  EXPECT_THAT(error_of("", {"=4"}), HasSubstr("key=value"));
}

TEST(overrides, are_in_force_in_the_text) {
  EXPECT_EQ(parse("seed = 3 # mine", {}).text, "seed = 3 # mine") << "without overrides it stays as it is";
  EXPECT_EQ(parse("seed = 3", {"S_EE=4.1"}).text,
            "# test.toml with\n# --set S_EE=4.1\nseed = 3\n\n[network]\nS_EE = 4.1\n");
  // A preset sets every parameter, those of the file included.
  const std::string text =
      "[network]\nS_EE = 4.5\n[design]\nkind = \"grid\"\n[design.axes]\ntau_EI = {min = 3, max = 7, steps = 3}\nS_EI = "
      "[2, 2.5]\n"
      "[section]\nkind = \"mfe\"";
  for (const std::vector<std::string>& set : {std::vector<std::string>{"preset=cai2021_syn"},
                                              {"tau_II=4.25", "design.axes.S_EI=[2.1,2.2,2.3]"},
                                              {"seed=9"},
                                              {"learning.precision=bf16", "validation.seed=5"},
                                              {"design.test_at=[{tau_EI = 4, S_EI = 2.25}]"}}) {
    const configuration first = parse(text, set);
    const configuration again = parse(first.text);
    for (const config_group group :
         {config_group::sweep, config_group::refinement, config_group::learning, config_group::validation}) {
      EXPECT_EQ(canonical_settings(again, group), canonical_settings(first, group)) << first.text;
    }
    EXPECT_EQ(again.text, first.text);
  }
}

TEST(override_network, changes_parameters_and_refuses_other_keys) {
  parameters p;
  override_network(p, std::vector<std::string>{"S_EE=4.1"});
  EXPECT_EQ(p.S_EE, 4.1);
  EXPECT_THROW(override_network(p, std::vector<std::string>{"seed=2"}), input_error);
  EXPECT_THROW(override_network(p, std::vector<std::string>{"S_EE=-1"}), input_error);
}

/// The settings as a config file.
std::string as_toml(const configuration& config) {
  std::string text;
  for (const config_group group : {config_group::sweep, config_group::learning, config_group::validation}) {
    for (const auto& [key, value] : canonical_settings(config, group)) {
      text += fmt::format("{} = {}\n", key, value);
    }
  }
  return text;
}

TEST(canonical_settings, read_back_to_the_same_configuration) {
  const configuration config =
      parse("", {"S_EE=0.1", "tau_EE=2.3000000000000003", "design.kind=grid", "design.axes.S_II=[1, 1.7, 2]",
                 "design.axes.S_EI={min=1, max=2, steps=4}", "learning.learning_rate=1e-7", "seed=9007199254740991",
                 "sweep.bin_width=8", "section.kind=volley", "validation.baselines=false",
                 "design.test_at=[{S_II=1.9, S_EI=1.1}]"});
  const configuration again = parse(as_toml(config));
  EXPECT_EQ(again.network, config.network);
  EXPECT_EQ(again.section, config.section);
  EXPECT_EQ(again.design, config.design);
  EXPECT_EQ(again.learning, config.learning);
  EXPECT_EQ(again.validation, config.validation);
  EXPECT_EQ(again.seed, config.seed);
  EXPECT_EQ(as_toml(again), as_toml(config));
}

TEST(canonical_settings, separate_what_decides_sweep_learning_and_validation) {
  const configuration config = parse("");
  const configuration other = parse("", {"learning.epochs=30"});
  EXPECT_EQ(canonical_settings(config, config_group::sweep), canonical_settings(other, config_group::sweep));
  EXPECT_NE(canonical_settings(config, config_group::learning), canonical_settings(other, config_group::learning));
  EXPECT_EQ(canonical_settings(config, config_group::validation), canonical_settings(other, config_group::validation));
}

TEST(canonical_settings, do_not_depend_on_how_the_config_is_written) {
  EXPECT_EQ(canonical_settings(parse("[network]\npreset = \"zhang2024\""), config_group::sweep),
            canonical_settings(parse("# nothing\n[network]\nS_EE = 4.0"), config_group::sweep));
}

TEST(config_table, states_a_default_within_its_own_range_for_every_key) {
  configuration config;
  config_table table = make_config_table(config);
  const std::vector<config_entry> entries(table.entries().begin(), table.entries().end());
  for (const config_entry& entry : entries) {
    EXPECT_FALSE(entry.description.empty()) << entry.key;
    if (const auto value = entry.get()) {
      EXPECT_NO_THROW(table.set(entry.key, *value, {"default", 0})) << entry.key;
    }
  }
}

}  // namespace

}  // namespace spikesweep
