// Benchmarks of the network simulators, on one core, in processor time.
//   bench_ensemble ensemble      ns per event of the oracle and of the ensemble on each instruction set;
//                                last line `ratio: X`, the best instruction set over the oracle, at the worse network
//   bench_ensemble transitions   transitions per second; last line `ratio: X`, the ensemble over the oracle, likewise
//   bench_ensemble sizes         ns per event of larger and larger networks; last line `ratio: X`, the smallest over
//                                the largest

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <vector>

#include <hwy/targets.h>

#include <spikesweep/network/lockstep.hpp>
#include <spikesweep/network/serial.hpp>

#include "network/network_sets.hpp"

namespace spikesweep {
namespace {

constexpr int repeats = 3;  ///< The best counts: what else the machine does only slows down.

struct measurement {
  double ns_per_event = 1e30;
  double rows_per_s = 0;
};

double processor_seconds() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

struct work {
  std::int64_t events = 0;
  std::int64_t rows = 0;
};

measurement measure(const std::function<work()>& simulate) {
  measurement best;
  for (int i = 0; i < repeats; ++i) {
    const double start = processor_seconds();
    const work done = simulate();
    const double seconds = processor_seconds() - start;
    best.ns_per_event = std::min(best.ns_per_event, 1e9 * seconds / static_cast<double>(done.events));
    best.rows_per_s = std::max(best.rows_per_s, static_cast<double>(done.rows) / seconds);
  }
  return best;
}

work by_oracle(const parameters& p, const section_settings& section, const sampling_settings& sampling,
               std::uint32_t tasks) {
  work out;
  for (std::uint32_t i = 0; i < tasks; ++i) {
    const task_result result = sample_task(p, section, sampling, {1, 0, i});
    out.events += result.summary.events;
    out.rows += result.block.rows();
  }
  return out;
}

work by_ensemble(const parameters& p, const section_settings& section, const sampling_settings& sampling,
                 std::uint32_t tasks) {
  work out;
  std::uint32_t next = 0;
  lockstep_simulator simulator(section, sampling, 1);
  simulator.run(
      [&]() -> std::optional<network_task> {
        const std::uint32_t i = next++;
        return i < tasks ? std::optional(network_task{p, {1, 0, i}, 0}) : std::nullopt;
      },
      [&](const network_task&, task_result&& result) {
        out.events += result.summary.events;
        out.rows += result.block.rows();
      });
  return out;
}

/// Measures the oracle and every instruction set; returns the best over the oracle.
double compare(const char* name, const parameters& p, const section_settings& section,
               const sampling_settings& sampling) {
  const auto print = [&](const char* who, const measurement& m, const measurement& oracle) {
    std::printf("%-24s %-8s %8.2f ns/event %10.0f transitions/s   %5.2f times the oracle\n", name, who, m.ns_per_event,
                m.rows_per_s, oracle.ns_per_event / m.ns_per_event);
    std::fflush(stdout);
  };
  const measurement oracle = measure([&] { return by_oracle(p, section, sampling, 2); });
  print("oracle", oracle, oracle);
  double best = 0;
  for (const auto target : hwy::SupportedAndGeneratedTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    const auto tasks = static_cast<std::uint32_t>(2 * lockstep_simulator::lanes);
    const measurement m = measure([&] { return by_ensemble(p, section, sampling, tasks); });
    print(hwy::TargetName(target), m, oracle);
    best = std::max(best, oracle.ns_per_event / m.ns_per_event);
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  return best;
}

/// zhang2024 with so many times the neurons. With fixed probability, weights shrink as fan-outs grow.
parameters scaled(int factor, bool fixed_probability) {
  parameters p;
  p.N_E *= factor;
  p.N_I *= factor;
  for (double* value : fixed_probability ? std::array{&p.S_EE, &p.S_IE, &p.S_EI, &p.S_II}
                                         : std::array{&p.P_EE, &p.P_IE, &p.P_EI, &p.P_II}) {
    *value /= factor;
  }
  return p;
}

/// Sixteen networks for about 3e8 events in all.
measurement measure_size(const parameters& p) {
  const double recurrent =
      (p.P_EE * p.N_E + p.P_IE * p.N_I) * p.N_E * 7.5 + (p.P_EI * p.N_E + p.P_II * p.N_I) * p.N_I * 32.6;
  const double events_per_s = p.N_E * p.lambda_E + p.N_I * p.lambda_I + recurrent;
  sampling_settings sampling;
  sampling.burn_in_s = 0;
  sampling.max_pending = max_pending_limit;
  const auto lanes = static_cast<std::uint32_t>(lockstep_simulator::lanes);
  return measure([&] {
    work out;
    std::uint32_t next = 0;
    lockstep_simulator simulator(section_settings(), sampling, 1);
    simulator.follow(
        3e8 / (lanes * events_per_s),
        [&]() -> std::optional<network_task> {
          const std::uint32_t i = next++;
          return i < lanes ? std::optional(network_task{p, {1, 0, i}, 0}) : std::nullopt;
        },
        [&](const network_task&, exact_run&& run) {
          if (run.state != task_state::done) {
            throw std::runtime_error("a network ran away");
          }
          out.events += run.events;
        });
    return out;
  });
}

/// Returns the time per event of 400 neurons over that of the largest network.
double compare_sizes() {
  std::printf("%8s  %-18s  %-18s   [ns/event]\n", "neurons", "fixed probability", "fixed fan-out");
  const double smallest = measure_size(parameters()).ns_per_event;
  double ratio = 1;
  for (const int neurons : {400, 1600, 6400, 12800, 25600, 65200}) {
    constexpr int largest_pools = 6400;  // Beyond, the pending kicks pass what a lane holds.
    const int factor = neurons / 400;
    const double by_fanout = measure_size(scaled(factor, false)).ns_per_event;
    if (neurons <= largest_pools) {
      std::printf("%8d  %18.2f  %18.2f\n", neurons, measure_size(scaled(factor, true)).ns_per_event, by_fanout);
    } else {
      std::printf("%8d  %18s  %18.2f\n", neurons, "-", by_fanout);
    }
    std::fflush(stdout);
    ratio = smallest / by_fanout;
  }
  return ratio;
}

int run(std::string_view what) {
  section_settings section;
  sampling_settings sampling;
  sampling.transitions = 100;
  double ratio = 0;
  if (what == "ensemble") {
    const double zhang = compare("zhang2024 interval", parameters(), section, sampling);
    ratio = std::min(zhang, compare("cai2021_syn interval", cai2021(1.3, 0.95), section, sampling));
  } else if (what == "transitions") {
    sampling.transitions = 400;
    ratio = compare("zhang2024 interval", parameters(), section, sampling);
    section.kind = section_kind::mfe;
    ratio = std::min(ratio, compare("zhang2024 mfe", parameters(), section, sampling));
    parameters driven;  // A corner of the box around zhang2024.
    driven.S_EE = 4.4;
    driven.S_EI = 1.8;
    section.kind = section_kind::interval;
    ratio = std::min(ratio, compare("box corner interval", driven, section, sampling));
  } else if (what == "sizes") {
    ratio = compare_sizes();
  } else {
    std::fprintf(stderr, "usage: bench_ensemble ensemble|transitions|sizes\n");
    return 2;
  }
  std::printf("ratio: %.2f\n", ratio);
  return 0;
}

}  // namespace
}  // namespace spikesweep

int main(int argc, char** argv) {
  return spikesweep::run(argc == 2 ? argv[1] : "");
}
