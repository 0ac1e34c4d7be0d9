#include <algorithm>
#include <set>
#include <string>
#include <type_traits>

#include <gtest/gtest.h>

#include <spikesweep/network/simulators.hpp>

#include "network/network_sets.hpp"

namespace spikesweep {
namespace {

const simulation_settings exact{};
const simulation_settings leaping{simulator_kind::tau_leaping, 0.1};

TEST(simulators, of_tasks_are_the_first_of_the_table_that_fit) {
  EXPECT_EQ(simulator_of_tasks(network_model::markov, exact).name, "lockstep");
  EXPECT_EQ(simulator_of_tasks(network_model::markov, exact).width, lockstep_simulator::lanes);
  EXPECT_EQ(simulator_of_tasks(network_model::markov, leaping).name, "tau-leaping");
  EXPECT_EQ(simulator_of_tasks(network_model::discrete, exact).name, "discrete");
}

TEST(simulators, have_names_and_versions_of_their_own) {
  std::set<std::string_view> names;
  std::set<std::string_view> versions;
  for (const simulator_info& row : simulator_table) {
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_TRUE(versions.insert(row.version).second) << row.version;
  }
}

TEST(simulators, are_chosen_by_words_in_the_order_of_the_enumeration) {
  EXPECT_EQ(simulator_kind{}, simulator_kind::exact);
  for (std::size_t i = 0; i < simulator_choices.size(); ++i) {
    const simulator_choice& choice = simulator_choices[i];
    EXPECT_EQ(static_cast<std::size_t>(choice.kind), i) << choice.word;
    EXPECT_EQ(name_of(choice.kind), choice.word);
    EXPECT_NE(std::ranges::find(simulator_table, choice.kind, &simulator_info::kind), simulator_table.end())
        << choice.word << " chooses no simulator";
  }
}

TEST(simulators, make_simulators_of_their_width) {
  for (const simulator_info& row : simulator_table) {
    EXPECT_EQ(row.make({}, {}, 1)->width(), row.width) << row.name;
  }
}

TEST(simulators, simulate_single_networks_by_the_plain_one_that_fits) {
  const random_stream stream(1, purpose::test);
  const auto is = [&]<class Wanted>(const parameters& p, const simulation_settings& simulation, const Wanted*) {
    return with_network(p, simulation, stream,
                        [](const auto& net) { return std::is_same_v<std::remove_cvref_t<decltype(net)>, Wanted>; });
  };
  EXPECT_TRUE(is(parameters(), exact, static_cast<const oracle*>(nullptr)));
  EXPECT_TRUE(is(parameters(), leaping, static_cast<const leaping_network*>(nullptr)));
  EXPECT_TRUE(is(wu2023(0.41), exact, static_cast<const discrete_network*>(nullptr)));
}

TEST(simulators, are_refused_for_networks_that_they_cannot_simulate) {
  EXPECT_EQ(refusal(network_model::markov, leaping), "");
  EXPECT_EQ(refusal(network_model::discrete, leaping),
            "is for network.model = \"markov\": a discrete network goes by steps already");
  EXPECT_THROW(simulator_of_tasks(network_model::discrete, leaping), input_error);
  EXPECT_THROW(with_network(wu2023(0.41), leaping, random_stream(1, purpose::test), [](const auto&) {}), input_error);
}

}  // namespace
}  // namespace spikesweep
