// Tau-leaping: its law tends to the exact one as its step shrinks.
#include <cmath>
#include <cstdio>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

#include <spikesweep/network/ensemble.hpp>
#include <spikesweep/network/statistics.hpp>

#include "network_sets.hpp"

namespace spikesweep {
namespace {

constexpr double run_s = 5;

/// A figure over independent runs.
struct estimate {
  std::vector<double> values;
  double value() const { return mean(values); }
  double error() const {
    return value() * coefficient_of_variation(values) / std::sqrt(static_cast<double>(values.size()));
  }
};

struct figures {
  estimate rate_E, rate_I, fano_E;

  void take_in(const exact_run& run, const parameters& p) {
    ASSERT_EQ(run.state, task_state::done);
    const activity_summary s = summarise(run.spikes, p, run.begin, run.begin + run_s);
    rate_E.values.push_back(s.rate_E_hz);
    rate_I.values.push_back(s.rate_I_hz);
    fano_E.values.push_back(s.fano_E);
  }
};

figures exact(const parameters& p) {
  figures out;
  std::uint32_t next = 0;
  ensemble_sampler sampler(section_settings(), sampling_settings(), 7);
  sampler.follow(
      run_s,
      [&]() -> std::optional<ensemble_task> {
        const std::uint32_t i = next++;
        return i < 32 ? std::optional(ensemble_task{p, {7, 60, i}, 0}) : std::nullopt;
      },
      [&](const ensemble_task&, exact_run&& run) { out.take_in(run, p); });
  return out;
}

figures leaping(const parameters& p, double dt_ms) {
  figures out;
  sampling_settings sampling;
  sampling.simulation = {simulator_kind::tau_leaping, dt_ms};
  for (std::uint32_t i = 0; i < 10; ++i) {
    out.take_in(follow_task(p, section_settings(), sampling, {7, 61, i}, run_s), p);
  }
  return out;
}

/// How far a figure is from the exact one, and the standard error of that, both relative.
struct deviation {
  double is;
  double error;
};

deviation deviation_of(const estimate& found, const estimate& truth) {
  return {found.value() / truth.value() - 1, std::hypot(found.error(), truth.error()) / truth.value()};
}

/// 32 exact runs of 5 s, 10 by leaping at each step. At the longest step the Fano factor has to be off by more than
/// five standard errors, or nothing was shown; each halving has to take a third of its error away, as first order
/// would with much to spare; and at 0.1 ms rates and Fano factor have to agree to four standard errors. Measured:
/// `tools/bench tau_leaping`.
void expect_convergence(const char* name, const parameters& p) {
  const figures truth = exact(p);
  std::printf("%s, exact: E %.3f +- %.3f Hz, I %.3f +- %.3f Hz, Fano factor %.3f +- %.3f\n", name, truth.rate_E.value(),
              truth.rate_E.error(), truth.rate_I.value(), truth.rate_I.error(), truth.fano_E.value(),
              truth.fano_E.error());
  std::vector<deviation> fano;
  for (const double dt_ms : {0.8, 0.4, 0.1}) {
    const figures found = leaping(p, dt_ms);
    const deviation E = deviation_of(found.rate_E, truth.rate_E);
    const deviation I = deviation_of(found.rate_I, truth.rate_I);
    fano.push_back(deviation_of(found.fano_E, truth.fano_E));
    std::printf("%s, %.1f ms: off by E %+.2f +- %.2f %%, I %+.2f +- %.2f %%, Fano factor %+.1f +- %.1f %%\n", name,
                dt_ms, 100 * E.is, 100 * E.error, 100 * I.is, 100 * I.error, 100 * fano.back().is,
                100 * fano.back().error);
    if (dt_ms == 0.1) {
      EXPECT_LT(std::abs(E.is), 4 * E.error);
      EXPECT_LT(std::abs(I.is), 4 * I.error);
      EXPECT_LT(std::abs(fano.back().is), 4 * fano.back().error);
    }
  }
  EXPECT_GT(fano[0].is, 5 * fano[0].error);
  EXPECT_LT(fano[1].is, fano[0].is * 2 / 3);
  EXPECT_LT(fano[2].is, fano[1].is * 2 / 3);
}

TEST(Leaping, ConvergesToTheExactLawAtTheCanonicalSet) {
  expect_convergence("zhang2024", parameters());
}

TEST(Leaping, ConvergesToTheExactLawUnderVoltageDependentInhibition) {
  expect_convergence("cai2021_reg", cai2021(2, 1.2));
}

TEST(Leaping, ConservesNeuronsInEveryStateAndSection) {
  sampling_settings sampling;
  sampling.transitions = 60;
  sampling.burn_in_s = 0.1;
  sampling.perturb_share = 0.4;
  sampling.simulation = {simulator_kind::tau_leaping, 0.1};
  for (const section_kind kind : {section_kind::interval, section_kind::mfe, section_kind::volley}) {
    section_settings section;
    section.kind = kind;
    const task_result result = sample_task(parameters(), section, sampling, {1, 0, 0});
    ASSERT_EQ(result.state, task_state::done);
    double longest_from_grid = 0;
    for (std::int64_t i = 0; i < result.block.rows(); ++i) {
      for (const count_matrix* states : {&result.block.before, &result.block.after}) {
        const state_view state(states->row(i).data(), static_cast<std::size_t>(states->cols()));
        EXPECT_EQ(population_size(sampling.layout.state, state, population::E), 300);
        EXPECT_EQ(population_size(sampling.layout.state, state, population::I), 100);
      }
      const double steps = result.block.duration[static_cast<std::size_t>(i)] / 1e-4;
      longest_from_grid = std::max(longest_from_grid, std::abs(steps - std::round(steps)));
    }
    EXPECT_LT(longest_from_grid, 1e-6);
    EXPECT_EQ(result.block.before.row(30).sum(), result.block.after.row(29).sum()) << "rows 29 and 30 follow on";
    EXPECT_GT(result.summary.spikes_E, 0);
  }
}

TEST(Leaping, OfNothingButExternalKicksCountsThemAll) {
  parameters p;
  p.P_EE = p.P_IE = p.P_EI = p.P_II = 0;
  p.tau_ref = 0;
  leaping_network net(p, 0.2, random_stream(1, purpose::test, 62));
  run_until(net, 0.5, nullptr);
  const std::int64_t before = net.events();
  std::vector<spike_record> spikes;
  run_until(net, 20.5, &spikes);
  // 2.4e7 kicks, give or take their square root of 4900; a neuron fires every 100 of them. A kick that comes with
  // another after the hundredth in one step is lost: below 0.6 in 100.
  EXPECT_NEAR(static_cast<double>(net.events() - before), 2.4e7, 4 * 4900);
  EXPECT_NEAR(static_cast<double>(spikes.size()), 2.4e5, 0.006 * 2.4e5);
  EXPECT_EQ(net.pending(), 0);
}

TEST(Leaping, SameStreamSameTrajectoryAndAForkGoesTheSameWay) {
  leaping_network a(parameters(), 0.1, random_stream(1, purpose::test, 63));
  leaping_network b(parameters(), 0.1, random_stream(1, purpose::test, 63));
  run_until(a, 0.2, nullptr);
  run_until(b, 0.1, nullptr);
  leaping_network fork = b;
  std::vector<spike_record> from_b;
  std::vector<spike_record> from_fork;
  run_until(b, 0.2, &from_b);
  run_until(fork, 0.2, &from_fork);
  ASSERT_EQ(from_b.size(), from_fork.size());
  for (std::size_t i = 0; i < from_b.size(); ++i) {
    EXPECT_EQ(from_b[i].time, from_fork[i].time);
    EXPECT_EQ(from_b[i].neuron, from_fork[i].neuron);
  }
  EXPECT_EQ(a.events(), b.events());
  EXPECT_EQ(a.pending(), b.pending());
}

}  // namespace
}  // namespace spikesweep
