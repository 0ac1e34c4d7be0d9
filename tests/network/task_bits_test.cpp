// The results of tasks bit for bit, of every simulator and section. The checksums were noted when each way of
// simulating still had a procedure of its own. A change of the law, or of the order of random draws, shows here: it
// needs a new version of the simulator in simulators.hpp, and new checksums.
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <spikesweep/network/lockstep.hpp>
#include <spikesweep/network/serial.hpp>
#include <spikesweep/network/simulators.hpp>

#include "network/checksum.hpp"
#include "network/network_sets.hpp"

namespace spikesweep {
namespace {

using testing::checksum;

enum class simulator { lockstep, oracle, leaping, discrete };
constexpr const char* name_of(simulator kind) {
  constexpr const char* names[] = {"lockstep", "oracle", "leaping", "discrete"};
  return names[static_cast<int>(kind)];
}

struct bits_case {
  simulator by;
  section_kind section;
};

class task_bits : public ::testing::TestWithParam<bits_case> {
 protected:
  task_bits() {
    section_.kind = GetParam().section;
    sampling_.transitions = 40;
    sampling_.burn_in_s = 0.05;
    sampling_.max_simulated_s = 6;
    sampling_.synthetic_s = 0.01;
    if (GetParam().by == simulator::leaping) {
      sampling_.simulation.simulator = simulator_kind::tau_leaping;
    }
  }

  /// Networks of both sizes and inhibitions, with and without refractory time.
  static parameters network(int number) {
    if (GetParam().by == simulator::discrete) {
      return wu2023(number == 0 ? 0.41 : 0.44);
    }
    parameters p = number == 0 ? cai2021_small(1.4) : parameters();
    if (number == 0) {
      p.S_EE = 18.3;
    }
    return p;
  }

  task_result sample(const parameters& p, const task_identity& task) const {
    return GetParam().by == simulator::lockstep ? sample_task_lockstep(p, section_, sampling_, task)
                                                : sample_task(p, section_, sampling_, task);
  }

  exact_run follow(const parameters& p, const task_identity& task, double seconds) const {
    if (GetParam().by != simulator::lockstep) {
      return follow_task(p, section_, sampling_, task, seconds);
    }
    exact_run out;
    bool given = false;
    lockstep_simulator simulator(section_, sampling_, task.seed);
    simulator.follow(
        seconds,
        [&] {
          return std::exchange(given, true) ? std::nullopt : std::optional(network_task{p, task, 0});
        },
        [&](const network_task&, exact_run&& run) { out = std::move(run); });
    return out;
  }

  /// Of both networks.
  std::uint64_t of_samples() const {
    checksum sum;
    for (const int number : {0, 1}) {
      const task_result result = sample(network(number), {11, static_cast<std::uint32_t>(number), 3});
      EXPECT_EQ(result.state, task_state::done);
      sum.add(result);
    }
    return sum.value();
  }

  void expect(const std::string& what, std::uint64_t found) const;

  section_settings section_;
  sampling_settings sampling_;
};

const std::map<std::string, std::uint64_t>& noted_checksums() {
  static const std::map<std::string, std::uint64_t> checksums{
      {"discrete interval both", 0x277cc781ca8b78fa},
      {"discrete interval failed", 0x49be2eb45eee431e},
      {"discrete interval followed", 0x50d11307a9425b22},
      {"discrete interval perturbed", 0x64cfb5ba55235c29},
      {"discrete interval plain", 0x89d32437368b972},
      {"discrete interval run away", 0x37fdcc7029a80bce},
      {"discrete interval synthetic", 0xc19ed59411c8d760},
      {"discrete mfe both", 0xb6f45882b4eb7487},
      {"discrete mfe failed", 0x9e27b4ab0b47399b},
      {"discrete mfe followed", 0x6d77af7134a1ec10},
      {"discrete mfe perturbed", 0x66719969a216691d},
      {"discrete mfe plain", 0x9f5a240e5c2921a6},
      {"discrete mfe run away", 0x6ea70975d0011b62},
      {"discrete mfe synthetic", 0xddf8e92403e3d285},
      {"discrete volley both", 0x77d2cbbdad6e1c4a},
      {"discrete volley failed", 0x724c0d3a4a1b5df4},
      {"discrete volley followed", 0x61b891ad74236f17},
      {"discrete volley perturbed", 0x577902954053c055},
      {"discrete volley plain", 0xbeb136350d3e0ce7},
      {"discrete volley run away", 0x5f6780e964bfd900},
      {"discrete volley synthetic", 0x119bc08eb2cd5aa5},
      {"leaping interval both", 0x2ef730302d467610},
      {"leaping interval failed", 0xb5e0896965742b23},
      {"leaping interval followed", 0x172468fae2f46d72},
      {"leaping interval perturbed", 0xb5f0652555ef28ce},
      {"leaping interval plain", 0x48e02a24f0f4508e},
      {"leaping interval run away", 0x65fa1075028c581e},
      {"leaping interval synthetic", 0xf12ceaf2af37a689},
      {"leaping mfe both", 0xfa01104f33924980},
      {"leaping mfe failed", 0x65baf6facca06f6c},
      {"leaping mfe followed", 0x86c0c07329ee5ae9},
      {"leaping mfe perturbed", 0xf42bdf64c2b37075},
      {"leaping mfe plain", 0x19346898cdccc787},
      {"leaping mfe run away", 0x28fa0c463f2cec6e},
      {"leaping mfe synthetic", 0xd9605cbf2ad5ee54},
      {"leaping volley both", 0x641931faaaa92ae9},
      {"leaping volley failed", 0xe64f30a95c6813e2},
      {"leaping volley followed", 0xb719eed5bf11e9b9},
      {"leaping volley perturbed", 0x4bc8c8b7f7f21857},
      {"leaping volley plain", 0x175f195e68f55a56},
      {"leaping volley run away", 0x51e379f55a8d23f4},
      {"leaping volley synthetic", 0x983e06ba98bbefa3},
      {"lockstep interval both", 0x998e8dfb87a7c379},
      {"lockstep interval failed", 0xc24e04ae6f005683},
      {"lockstep interval followed", 0xe0060887a7661ba5},
      {"lockstep interval perturbed", 0x6472d3e940aad1ef},
      {"lockstep interval plain", 0x8aa3ac5d7c1f7e50},
      {"lockstep interval run away", 0x8dcca57d4439efb0},
      {"lockstep interval synthetic", 0xf1cb23136d95cc2b},
      {"lockstep mfe both", 0xb7946bfa6a8fbdec},
      {"lockstep mfe failed", 0x6c7f4c1ea8f247c9},
      {"lockstep mfe followed", 0x232a3438840bd35f},
      {"lockstep mfe perturbed", 0xbd131015a556f793},
      {"lockstep mfe plain", 0x15f7b0bd94b1be90},
      {"lockstep mfe run away", 0xc93eb0918abd4927},
      {"lockstep mfe synthetic", 0x14f64f8902a367a8},
      {"lockstep volley both", 0xb9f3934dca4c72d5},
      {"lockstep volley failed", 0x890ca5288ed21b7f},
      {"lockstep volley followed", 0x20242087dd950e6d},
      {"lockstep volley perturbed", 0xab618bd9fc6513ce},
      {"lockstep volley plain", 0xfe91b7b17fb7dcba},
      {"lockstep volley run away", 0x35c8f8c4f5271221},
      {"lockstep volley synthetic", 0x74dc1953250a260d},
      {"oracle interval both", 0x93e53e005da88fd1},
      {"oracle interval failed", 0x1fae03f7493a843},
      {"oracle interval followed", 0x57cfd87a40c7e1dc},
      {"oracle interval perturbed", 0xf7bd881f47b19237},
      {"oracle interval plain", 0x131d27527912233f},
      {"oracle interval run away", 0x4fe60d8bc0a3097},
      {"oracle interval synthetic", 0xbce97637e48c66d1},
      {"oracle mfe both", 0x364083b441d7b789},
      {"oracle mfe failed", 0x7399951fe5665fd7},
      {"oracle mfe followed", 0xc0f1d1ee2bd1eeb3},
      {"oracle mfe perturbed", 0xd28ebff5543cca04},
      {"oracle mfe plain", 0xe8f1a8cb916e4540},
      {"oracle mfe run away", 0x1f27a3947c204d5f},
      {"oracle mfe synthetic", 0xf1fb10d2f72c6a47},
      {"oracle volley both", 0x54c0e813fb1b3597},
      {"oracle volley failed", 0x5a1f2e3d11cd788},
      {"oracle volley followed", 0xe0885d2e7ab5007b},
      {"oracle volley perturbed", 0x1ce18a2230cb3358},
      {"oracle volley plain", 0xd4cdc18729e374b0},
      {"oracle volley run away", 0x23d9e43bf5d04216},
      {"oracle volley synthetic", 0x2fd74ee8b0d48927},
  };
  return checksums;
}

void task_bits::expect(const std::string& what, std::uint64_t found) const {
  const std::string name =
      std::string(name_of(GetParam().by)) + ' ' + std::string(spikesweep::name_of(GetParam().section)) + ' ' + what;
  const auto noted = noted_checksums().find(name);
  EXPECT_TRUE(noted != noted_checksums().end() && noted->second == found)
      << "      {\"" << name << "\", 0x" << std::hex << found << "},";
}

TEST_P(task_bits, of_a_trajectory_without_excursions_are_as_noted) {
  sampling_.perturb_share = 0;
  expect("plain", of_samples());
}

TEST_P(task_bits, of_perturbed_excursions_are_as_noted) {
  sampling_.perturb_share = 0.3;
  expect("perturbed", of_samples());
}

TEST_P(task_bits, of_synthetic_excursions_are_as_noted) {
  sampling_.perturb_share = 0;
  sampling_.synthetic_share = 0.4;
  sampling_.swept = {{&find_parameter("S_EE"), network(1).S_EE, network(1).S_EE * 1.1},
                     {&find_parameter("lambda_E"), network(1).lambda_E, network(1).lambda_E * 1.1}};
  expect("synthetic", of_samples());
}

TEST_P(task_bits, of_both_sorts_of_excursions_are_as_noted) {
  sampling_.perturb_share = 0.3;
  sampling_.synthetic_share = 0.3;
  sampling_.swept = {{&find_parameter("tau_EE"), network(1).tau_EE, network(1).tau_EE * 1.2}};
  expect("both", of_samples());
}

TEST_P(task_bits, of_followed_networks_are_as_noted) {
  checksum sum;
  for (const int number : {0, 1}) {
    const exact_run run = follow(network(number), {12, 5, static_cast<std::uint32_t>(number)}, 0.4);
    EXPECT_EQ(run.state, task_state::done);
    sum.add(run);
  }
  expect("followed", sum.value());
}

TEST_P(task_bits, of_tasks_that_fail_are_as_noted) {
  checksum sum;
  parameters wild = network(1);
  wild.S_EI = wild.S_II = 0;
  wild.S_EE = 20;
  wild.P_EE = 1;
  sampling_.max_pending = 20000;
  const task_result ran_away = sample(wild, {13, 1, 1});
  EXPECT_EQ(ran_away.state, task_state::runaway);
  sum.add(ran_away);
  sum.add(follow(wild, {13, 2, 1}, 0.5));
  sampling_.max_pending = 1000000;
  sampling_.max_simulated_s = 0.2 + (section_.kind == section_kind::volley ? 2 : 0);
  const task_result late = sample(network(1), {13, 1, 1});
  EXPECT_EQ(late.state, task_state::time_cap);
  sum.add(late);
  // Excursions that reach the cap fail the task, too.
  sampling_.perturb_share = 0.5;
  sampling_.synthetic_share = 0.5;
  for (const std::uint32_t replicate : {1U, 2U, 3U}) {
    sum.add(sample(network(1), {13, 1, replicate}));
  }
  expect("failed", sum.value());
}

/// Pools pass the bound under other parameters, when they are scaled, or in the phase after that.
TEST_P(task_bits, of_excursions_that_run_away_are_as_noted) {
  checksum sum;
  const bool discrete = GetParam().by == simulator::discrete;
  sampling_.perturb_share = 0;
  sampling_.synthetic_share = 0.5;
  sampling_.synthetic_s = 0.03;
  sampling_.max_pending = discrete ? 200000 : 20000;
  sampling_.swept = {{&find_parameter("S_EE"), 5, 20},
                     {&find_parameter("P_EE"), 0.3, 1},
                     {&find_parameter("S_EI"), 0, 1},
                     {&find_parameter("S_II"), 0, 1}};
  sum.add(sample(network(1), {14, 1, 1}));
  sampling_.swept = {{&find_parameter("S_EE"), network(1).S_EE, 1.4 * network(1).S_EE}};
  sampling_.synthetic_s = 0.005;
  for (const std::int64_t bound : {10000, 11000, 12000, 13000}) {
    sampling_.max_pending = discrete ? 9 * bound : bound;
    sampling_.perturb_share = 0;
    sum.add(sample(network(1), {14, 1, 4}));
    sampling_.perturb_share = 0.5;
    sum.add(sample(network(1), {14, 1, 5}));
  }
  expect("run away", sum.value());
}

std::vector<bits_case> all_cases() {
  std::vector<bits_case> cases;
  for (const simulator by : {simulator::lockstep, simulator::oracle, simulator::leaping, simulator::discrete}) {
    for (const section_kind section : {section_kind::interval, section_kind::mfe, section_kind::volley}) {
      cases.push_back({by, section});
    }
  }
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Simulators, task_bits, ::testing::ValuesIn(all_cases()), [](const auto& set) {
  return std::string(name_of(set.param.by)) + '_' + std::string(spikesweep::name_of(set.param.section));
});

}  // namespace
}  // namespace spikesweep
