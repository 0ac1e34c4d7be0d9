#include <cmath>
#include <limits>
#include <map>

#include <gtest/gtest.h>

#include "network/lockstep_lanes.hpp"

namespace spikesweep {
namespace {

constexpr int potential_before = 40;
constexpr float forever = std::numeric_limits<float>::infinity();

/// Puts every lane back into one state after each event, and counts what the events were.
class single_events : public lane_control {
 public:
  explicit single_events(const parameters& p) : p_(p), lanes_(3) {
    snapshot_.potential.assign(static_cast<std::size_t>(p.N_E + p.N_I), potential_before);
    const std::array<std::pair<int, int>, lane_lists> lists{
        {{7, 5}, {300, p.N_E + 1}, {150, p.N_E + 2}, {80, 3}, {600, 4}}};
    for (std::size_t k = 0; k < lane_lists; ++k) {
      snapshot_.list[k].assign(static_cast<std::size_t>(lists[k].first), static_cast<std::uint16_t>(lists[k].second));
    }
    snapshot_.potential[5] = lane_refractory_mark;
    for (int lane = 0; lane < lane_count; ++lane) {
      lanes_.assign(lane, p, static_cast<std::uint32_t>(lane), 0);
    }
    lanes_.occupied = lanes_.waiting = (1U << lane_count) - 1;
  }

  void run(std::uint64_t steps) { run_lanes(lanes_, *this, 0, steps); }

  void start(int lane, std::uint64_t /*step*/) override {
    lanes_.wake(lane, p_);
    reset(lane);
  }
  void fired(int /*lane*/, int /*neuron*/, bool /*recurrent*/) override {
    ADD_FAILURE() << "no kick reaches the threshold";
  }
  void reached(int /*lane*/, std::uint64_t /*step*/) override { ADD_FAILURE() << "there is no limit"; }
  void stopped(int lane, std::uint64_t /*step*/) override {
    const double time = static_cast<double>(lanes_.time[static_cast<std::size_t>(lane)]);
    sum += time;
    squares += time * time;
    ++events;
    count(lane);
    reset(lane);
  }

  std::array<double, lane_lists + 2> classes{};  ///< Lists, external I, external E.
  std::vector<double> kicked = std::vector<double>(400);
  std::array<std::map<int, double>, lane_lists> jumps;
  double events = 0;
  double sum = 0;
  double squares = 0;

 private:
  void reset(int lane) {
    const auto l = static_cast<std::size_t>(lane);
    lanes_.restore(lane, snapshot_);
    lanes_.time[l] = 0;
    lanes_.slice[l] = lanes_.hold[l] = forever;
  }

  void count(int lane) {
    const std::vector<lane_potential> v = lanes_.potentials_of(lane);
    for (std::size_t k = 0; k < lane_lists; ++k) {
      if (lanes_.count(static_cast<lane_list>(k), lane) != static_cast<int>(snapshot_.list[k].size())) {
        ++classes[k];
        ++jumps[k][v[snapshot_.list[k].back()] - potential_before];
        return;
      }
    }
    for (int i = 0; i < p_.N_E + p_.N_I; ++i) {
      if (v[static_cast<std::size_t>(i)] != snapshot_.potential[static_cast<std::size_t>(i)]) {
        EXPECT_EQ(v[static_cast<std::size_t>(i)], potential_before + 1);
        ++classes[i < p_.N_E ? lane_lists + 1 : lane_lists];
        ++kicked[static_cast<std::size_t>(i)];
        return;
      }
    }
    ++kicked[5];  // A kick to the refractory neuron is lost.
    ++classes[lane_lists + 1];
  }

  parameters p_;
  lockstep_lanes lanes_;
  lane_snapshot snapshot_;
};

double chi_square(std::span<const double> found, std::span<const double> expected) {
  double sum = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    sum += (found[i] - expected[i]) * (found[i] - expected[i]) / expected[i];
  }
  return sum;
}

void expect_share(double hits, double n, double p) {
  EXPECT_NEAR(hits / n, p, 4 * std::sqrt(p * (1 - p) / n));
}

// 800,000 events from one state.
TEST(lockstep_events, classes_neurons_and_waiting_times_have_their_law) {
  parameters p;
  p.S_EI = 2.2;
  p.lambda_I = 2000;
  single_events control(p);
  control.run(50000);

  const std::array<double, lane_lists + 2> rates{7000 / p.tau_ref,  300000 / p.tau_II, 150000 / p.tau_IE,
                                                 80000 / p.tau_EE,  600000 / p.tau_EI, p.N_I * p.lambda_I,
                                                 p.N_E * p.lambda_E};
  double total = 0;
  for (const double rate : rates) {
    total += rate;
  }
  std::array<double, lane_lists + 2> expected;
  for (std::size_t k = 0; k < rates.size(); ++k) {
    expected[k] = control.events * rates[k] / total;
  }
  // Six degrees of freedom: above 28 once in 10,000.
  EXPECT_LT(chi_square(control.classes, expected), 28);

  const auto kicked = std::span<const double>(control.kicked);
  const std::vector<double> each_E(300, control.classes[lane_lists + 1] / 300);
  const std::vector<double> each_I(100, control.classes[lane_lists] / 100);
  // n - 1 degrees of freedom: four standard deviations, each sqrt(2 n).
  EXPECT_LT(chi_square(kicked.first(300), each_E), 300 + 4 * std::sqrt(600.0));
  EXPECT_LT(chi_square(kicked.last(100), each_I), 100 + 4 * std::sqrt(200.0));

  // The waiting time is exponential: mean and standard deviation 1/total, fourth moment 24.
  EXPECT_NEAR(control.sum / control.events * total, 1, 4 / std::sqrt(control.events));
  EXPECT_NEAR(control.squares / control.events * total * total, 2, 4 * std::sqrt(20 / control.events));
}

TEST(lockstep_events, weights_round_at_random) {
  parameters p;
  p.S_EE = 3.7;
  p.S_EI = 2.2;
  single_events constant(p);
  constant.run(50000);
  const auto share = [](const single_events& from, lane_list k, int jump) {
    const auto& jumps = from.jumps[static_cast<std::size_t>(k)];
    const double n = from.classes[static_cast<std::size_t>(k)];
    return std::pair(jumps.contains(jump) ? jumps.at(jump) : 0.0, n);
  };
  const auto expect_jumps = [&](const single_events& from, lane_list k, int jump, double p_of) {
    const auto [hits, n] = share(from, k, jump);
    expect_share(hits, n, p_of);
  };
  expect_jumps(constant, lane_list::EE, 4, 0.7);
  expect_jumps(constant, lane_list::EE, 3, 0.3);
  expect_jumps(constant, lane_list::EI, -3, 0.2);
  expect_jumps(constant, lane_list::EI, -2, 0.8);
  expect_jumps(constant, lane_list::II, -2, 1);
  expect_jumps(constant, lane_list::refractory, -potential_before, 1);

  p.inhibition = inhibition_kind::voltage_dependent;
  single_events by_voltage(p);
  by_voltage.run(50000);
  const double drop = 2.2 * (potential_before + 66) / 166;  // 1.405
  expect_jumps(by_voltage, lane_list::EI, -2, drop - 1);
  expect_jumps(by_voltage, lane_list::EI, -1, 2 - drop);
  expect_jumps(by_voltage, lane_list::EE, 4, 0.7);
}

}  // namespace
}  // namespace spikesweep
