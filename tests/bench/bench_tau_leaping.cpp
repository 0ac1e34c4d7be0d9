// Tau-leaping beside the exact simulators, on one core, in processor time: rates, Fano factor of the E spikes in 1 ms,
// and speed of a network for each step, with standard errors over independent runs. Last line `ratio: X`, the speed at
// the longest step over the oracle's, at the worse network.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <vector>

#include <spikesweep/network/figures.hpp>
#include <spikesweep/network/leaping.hpp>
#include <spikesweep/network/lockstep.hpp>
#include <spikesweep/network/serial.hpp>
#include <spikesweep/network/simulators.hpp>

#include "network/network_sets.hpp"

namespace spikesweep {
namespace {

constexpr std::uint32_t runs = 16;
constexpr double run_s = 10;
constexpr std::array steps_ms{0.4, 0.2, 0.1, 0.05};

struct measurement {
  std::vector<double> rate_E, rate_I, fano_E;
  double realtime = 0;  ///< Simulated over processor time.
};

double processor_seconds() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

void take_in(measurement& m, const exact_run& run, const parameters& p) {
  const run_figures s = figures_of(trajectory_of(run.spikes, p, run.begin, run.begin + run_s), p);
  m.rate_E.push_back(s.rate_E());
  m.rate_I.push_back(s.rate_I());
  m.fano_E.push_back(s["fano_E_1ms"]);
}

/// One network at a time.
measurement one_by_one(const parameters& p, const simulation_settings& simulation, std::uint32_t number) {
  measurement m;
  sampling_settings sampling;
  sampling.simulation = simulation;
  double seconds = 0;
  for (std::uint32_t i = 0; i < number; ++i) {
    const double start = processor_seconds();
    const exact_run run = follow_task(p, section_settings(), sampling, {1, 0, i}, run_s);
    seconds += processor_seconds() - start;
    take_in(m, run, p);
  }
  m.realtime = number * (run_s + sampling.burn_in_s) / seconds;
  return m;
}

measurement lockstep(const parameters& p) {
  measurement m;
  const sampling_settings sampling;
  std::uint32_t next = 0;
  lockstep_simulator simulator(section_settings(), sampling, 1);
  const double start = processor_seconds();
  std::vector<exact_run> done;
  simulator.follow(
      run_s,
      [&]() -> std::optional<network_task> {
        const std::uint32_t i = next++;
        return i < runs ? std::optional(network_task{p, {1, 0, i}, 0}) : std::nullopt;
      },
      [&](const network_task&, exact_run&& run) { done.push_back(std::move(run)); });
  m.realtime = runs * (run_s + sampling.burn_in_s) / (processor_seconds() - start);
  for (const exact_run& run : done) {
    take_in(m, run, p);
  }
  return m;
}

void print(const char* name, const char* who, const measurement& m, const measurement& exact) {
  std::printf("%-16s %-10s", name, who);
  for (const auto values : {&measurement::rate_E, &measurement::rate_I, &measurement::fano_E}) {
    const auto n = static_cast<double>((m.*values).size());
    const double value = mean(m.*values);
    const double error = value * coefficient_of_variation(m.*values) / std::sqrt(n);
    std::printf("  %7.3f +- %5.3f (%+5.1f %%)", value, error, 100 * (value / mean(exact.*values) - 1));
  }
  std::printf("  %7.1f\n", m.realtime);
  std::fflush(stdout);
}

/// Returns the speed at the longest step over the oracle's.
double compare(const char* name, const parameters& p) {
  const measurement exact = lockstep(p);
  print(name, "lockstep", exact, exact);
  constexpr std::uint32_t few = 4;  // The oracle is slow, and its law is the lockstep simulator's.
  const measurement oracle = one_by_one(p, {}, few);
  print(name, "oracle", oracle, exact);
  double ratio = 0;
  for (const double dt_ms : steps_ms) {
    const measurement m = one_by_one(p, {simulator_kind::tau_leaping, dt_ms}, runs);
    std::array<char, 16> who{};
    std::snprintf(who.data(), who.size(), "%g ms", dt_ms);
    print(name, who.data(), m, exact);
    ratio = std::max(ratio, m.realtime / oracle.realtime);
  }
  return ratio;
}

int run() {
  std::printf("%-16s %-10s  %-26s  %-26s  %-26s  %s\n", "network", "simulator", "E rate [Hz]", "I rate [Hz]",
              "Fano factor, 1 ms", "simulated over processor time");
  const double zhang = compare("zhang2024", parameters());
  const double ratio = std::min(zhang, compare("cai2021_reg", cai2021(2, 1.2)));
  std::printf("ratio: %.2f\n", ratio);
  return 0;
}

}  // namespace
}  // namespace spikesweep

int main() {
  return spikesweep::run();
}
