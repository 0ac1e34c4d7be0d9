#include <cmath>
#include <string_view>

#include <gtest/gtest.h>

#include <spikesweep/network/lockstep.hpp>
#include <spikesweep/network/serial.hpp>
#include <spikesweep/network/spectrum.hpp>
#include <spikesweep/network/statistics.hpp>

#include "network_sets.hpp"

namespace spikesweep {
namespace {

/// Replicates of one network by either simulator. Their seeds differ, so that the two are independent.
std::vector<task_result> simulate(bool lockstep, const parameters& p, const section_settings& section,
                                  const sampling_settings& sampling, std::uint32_t replicates) {
  std::vector<task_result> out(replicates);
  std::uint32_t next = 0;
  if (!lockstep) {
    for (; next < replicates; ++next) {
      out[next] = sample_task(p, section, sampling, {21, 0, next});
    }
    return out;
  }
  lockstep_simulator simulator(section, sampling, 22);
  simulator.run(
      [&]() -> std::optional<network_task> {
        const std::uint32_t i = next++;
        return i < replicates ? std::optional(network_task{p, {22, 0, i}, i}) : std::nullopt;
      },
      [&](const network_task& task, task_result&& result) {
        out[static_cast<std::size_t>(task.label)] = std::move(result);
      });
  return out;
}

/// Mean of a statistic over replicates, and its standard error from their scatter.
struct estimate {
  double mean;
  double error;
};

template <class F>
estimate over(const std::vector<task_result>& results, const F& statistic) {
  std::vector<double> values;
  for (const auto& result : results) {
    EXPECT_EQ(result.state, task_state::done);
    values.push_back(statistic(result));
  }
  const double m = mean(values);
  return {m, m * coefficient_of_variation(values) / std::sqrt(static_cast<double>(values.size()))};
}

constexpr std::uint32_t oracle_replicates = 32;
constexpr std::uint32_t lockstep_replicates = 64;

/// Two independent means of the same law differ by more than five standard errors once in 50,000 times (32 and 64
/// replicates, normal errors to good approximation); about 150 are compared.
template <class F>
void expect_same(const char* what, const std::vector<task_result>& oracle, const std::vector<task_result>& lockstep,
                 const F& statistic) {
  const estimate a = over(oracle, statistic);
  const estimate b = over(lockstep, statistic);
  const double error = std::hypot(a.error, b.error);
  EXPECT_LT(std::abs(a.mean - b.mean), 5 * error)
      << what << ": oracle " << a.mean << " +- " << a.error << ", lockstep " << b.mean << " +- " << b.error;
}

struct reference_set {
  const char* name;
  parameters p;
  double rate_E;  // [Hz]
  double rate_I;  // [Hz]
  double fano;
  double peak_lowest;  // [Hz]
  double peak_highest;
};

class lockstep_law : public testing::TestWithParam<reference_set> {};

// The figures are of independent 40 s runs; seed-to-seed spread of rates below 1 %. Here 64 replicates of 2 s: 128 s.
TEST_P(lockstep_law, rates_fano_factor_and_spectrum_are_the_oracle_s) {
  const auto& set = GetParam();
  section_settings section;
  section.interval_ms = 1;
  sampling_settings sampling;
  sampling.transitions = 2000;
  sampling.perturb_share = 0;
  const auto oracle = simulate(false, set.p, section, sampling, oracle_replicates);
  const auto lockstep = simulate(true, set.p, section, sampling, lockstep_replicates);

  const auto rate_E = [&](const task_result& r) {
    return static_cast<double>(r.summary.spikes_E) / (set.p.N_E * r.summary.simulated_s);
  };
  const auto rate_I = [&](const task_result& r) {
    return static_cast<double>(r.summary.spikes_I) / (set.p.N_I * r.summary.simulated_s);
  };
  const auto counts_E = [](const task_result& r) {
    std::vector<double> counts;
    for (std::int64_t i = 0; i < r.block.rows(); ++i) {
      counts.push_back(r.block.spikes(i, 0));
    }
    return counts;
  };
  const auto fano = [&](const task_result& r) { return fano_factor(counts_E(r)); };
  expect_same("E rate", oracle, lockstep, rate_E);
  expect_same("I rate", oracle, lockstep, rate_I);
  expect_same("Fano factor", oracle, lockstep, fano);
  expect_same("events per second", oracle, lockstep, [&](const task_result& r) {
    return static_cast<double>(r.summary.events) / (r.summary.simulated_s + sampling.burn_in_s);
  });
  EXPECT_NEAR(over(lockstep, rate_E).mean / set.rate_E, 1, 0.02);
  EXPECT_NEAR(over(lockstep, rate_I).mean / set.rate_I, 1, 0.02);
  EXPECT_NEAR(over(lockstep, fano).mean / set.fano, 1, 0.07);

  std::vector<std::vector<double>> series;
  for (const auto& result : lockstep) {
    series.push_back(counts_E(result));
  }
  const double peak = find_peak(welch(series, 1e-3, 1000), {8, 150}).frequency;
  // Two more on either side: the resolution of the smoothed spectrum.
  EXPECT_GT(peak, set.peak_lowest - 2);
  EXPECT_LT(peak, set.peak_highest + 2);
}

INSTANTIATE_TEST_SUITE_P(
    Sets, lockstep_law,
    // The Fano factor at zhang2024 is of plain_network.hpp, over two runs of 40 s: 3.72 and 3.82.
    testing::Values(reference_set{"zhang2024", parameters(), 7.5, 32.6, 3.77, 35, 37},
                    reference_set{"cai2021_hom", cai2021(4, 1.2), 23.2, 54.5, 2.0, 70, 79},
                    reference_set{"cai2021_reg", cai2021(2, 1.2), 25.5, 56.8, 8.3, 64, 64},
                    reference_set{"cai2021_syn", cai2021(1.3, 0.95), 33.3, 61.6, 29, 55, 55},
                    reference_set{"cai2021_small_hom", cai2021_small(4), 32.1, 71.2, 1.48, 68, 68},
                    reference_set{"cai2021_small_reg", cai2021_small(1.7), 34.9, 75.2, 4.7, 41, 41},
                    reference_set{"cai2021_small_syn", cai2021_small(1.4), 40.0, 83.0, 8.6, 36, 36}),
    [](const auto& set) { return std::string(set.param.name); });

class lockstep_section_law : public testing::TestWithParam<section_kind> {};

TEST_P(lockstep_section_law, phases_and_excursions_are_the_oracle_s) {
  const parameters p;
  section_settings section;
  section.kind = GetParam();
  sampling_settings sampling;
  sampling.synthetic_share = 0.2;
  sampling.swept = {{&find_parameter("S_EE"), 3.5, 4.5}, {&find_parameter("lambda_I"), 2500, 3500}};
  const auto oracle = simulate(false, p, section, sampling, oracle_replicates);
  const auto lockstep = simulate(true, p, section, sampling, lockstep_replicates);

  if (GetParam() != section_kind::interval) {
    expect_same("phase rate", oracle, lockstep,
                [](const task_result& r) { return static_cast<double>(r.summary.phases) / r.summary.simulated_s; });
  }
  expect_same("share of E spikes per second", oracle, lockstep,
              [](const task_result& r) { return static_cast<double>(r.summary.spikes_E) / r.summary.simulated_s; });
  if (GetParam() == section_kind::mfe) {
    expect_same("grown MFEs per second", oracle, lockstep,
                [](const task_result& r) { return static_cast<double>(r.summary.grown) / r.summary.simulated_s; });
  }
  const auto layout = sampling.layout.state;
  for (const phase_kind kind : {phase_kind::step, phase_kind::active, phase_kind::quiet}) {
    if ((kind == phase_kind::step) != (GetParam() == section_kind::interval)) {
      continue;
    }
    for (const char* from : {"own", "perturbed", "synthetic"}) {
      SCOPED_TRACE(testing::Message() << "phase " << static_cast<int>(kind) << " from " << from << " states");
      const auto is_from = [from = std::string_view(from)](std::uint8_t mark) {
        return from == (mark == 0 ? "own" : mark == synthetic_mark ? "synthetic" : "perturbed");
      };
      const auto mean_of = [&](auto value) {
        return [&, value](const task_result& r) {
          std::vector<double> values;
          for (std::int64_t i = 0; i < r.block.rows(); ++i) {
            const auto row = static_cast<std::size_t>(i);
            if (r.block.phase[row] == static_cast<std::uint8_t>(kind) && is_from(r.block.perturbed[row])) {
              values.push_back(value(r.block, i));
            }
          }
          return mean(values);
        };
      };
      expect_same("E spikes", oracle, lockstep, mean_of([](const auto& b, auto i) { return 1.0 * b.spikes(i, 0); }));
      expect_same("I spikes", oracle, lockstep, mean_of([](const auto& b, auto i) { return 1.0 * b.spikes(i, 1); }));
      expect_same("first part's E spikes", oracle, lockstep,
                  mean_of([](const auto& b, auto i) { return 1.0 * b.spike_times_E(i, 0); }));
      if (kind != phase_kind::step) {
        expect_same("duration", oracle, lockstep,
                    mean_of([](const auto& b, auto i) { return b.duration[static_cast<std::size_t>(i)]; }));
      }
      for (int k = 0; k < pool_count; ++k) {
        const int at = layout.pending(static_cast<pool>(k));
        expect_same("pending before", oracle, lockstep,
                    mean_of([at](const auto& b, auto i) { return 1.0 * b.before(i, at); }));
        expect_same("pending after", oracle, lockstep,
                    mean_of([at](const auto& b, auto i) { return 1.0 * b.after(i, at); }));
      }
      const int high = layout.bins() - 3;
      expect_same("E neurons near the threshold", oracle, lockstep,
                  mean_of([high](const auto& b, auto i) { return 1.0 * b.before(i, high); }));
      expect_same("refractory E neurons", oracle, lockstep, mean_of([&layout](const auto& b, auto i) {
                    return 1.0 * b.after(i, layout.refractory_cell(population::E));
                  }));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Sections, lockstep_section_law,
                         testing::Values(section_kind::interval, section_kind::mfe, section_kind::volley),
                         [](const auto& set) { return std::string(name_of(set.param)); });

}  // namespace
}  // namespace spikesweep
