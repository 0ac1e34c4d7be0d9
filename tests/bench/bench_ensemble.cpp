// Benchmarks of the network simulators, on one core, in processor time.
//   bench_ensemble ensemble      ns per event of the oracle and of the ensemble on each instruction set;
//                                last line `ratio: X`, the best instruction set over the oracle, at the worse network
//   bench_ensemble transitions   transitions per second; last line `ratio: X`, the ensemble over the oracle, likewise

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <functional>
#include <string_view>
#include <vector>

#include <hwy/targets.h>

#include <spikesweep/network/ensemble.hpp>

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
  ensemble_sampler sampler(section, sampling, 1);
  sampler.run(
      [&]() -> std::optional<ensemble_task> {
        const std::uint32_t i = next++;
        return i < tasks ? std::optional(ensemble_task{p, {1, 0, i}, 0}) : std::nullopt;
      },
      [&](const ensemble_task&, task_result&& result) {
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
    const auto tasks = static_cast<std::uint32_t>(2 * ensemble_sampler::lanes());
    const measurement m = measure([&] { return by_ensemble(p, section, sampling, tasks); });
    print(hwy::TargetName(target), m, oracle);
    best = std::max(best, oracle.ns_per_event / m.ns_per_event);
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  return best;
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
  } else {
    std::fprintf(stderr, "usage: bench_ensemble ensemble|transitions\n");
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
