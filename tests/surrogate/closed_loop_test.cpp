#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/surrogate/closed_loop.hpp>
#include <spikesweep/surrogate/validation.hpp>

namespace spikesweep {
namespace {

/// A kernel of clockwork: every step lasts 5 ms and has 3 E and 2 I spikes in its first part.
void clockwork(std::span<chain> chains, std::span<chain_step> steps) {
  for (std::size_t i = 0; i < chains.size(); ++i) {
    steps[i].phase = phase_kind::step;
    steps[i].duration = 0.005;
    steps[i].spikes_E = 3;
    steps[i].spikes_I = 2;
    steps[i].times_E = {3, 0, 0, 0, 0};
    steps[i].times_I = {2, 0, 0, 0, 0};
  }
}

std::vector<chain> two_chains() {
  const chain c{parameters(), {}, phase_kind::step, {}, random_stream(1, purpose::test)};
  return {c, c};
}

TEST(closed_loop, of_a_clockwork_has_its_rates_and_its_peak) {
  trajectory_settings settings;
  settings.duration_s = 4;
  auto chains = two_chains();
  const auto runs = run_closed_loop(clockwork, chains, settings);
  ASSERT_EQ(runs.size(), 2U);
  const parameters p;
  const run_figures f = figures_of(kept_runs(runs, p));
  EXPECT_NEAR(f.rate_E(), 3 / (0.005 * 300), 1e-9);
  EXPECT_NEAR(f.rate_I(), 2 / (0.005 * 100), 1e-9);
  EXPECT_TRUE(std::isnan(f["phase_rate_hz"])) << "as does their rate";
  EXPECT_EQ(runs[0].sizes.size(), 800U);
  EXPECT_NEAR(f["size_mean"], 5, 1e-12);
  EXPECT_NEAR(f["size_cv"], 0, 1e-12);
  EXPECT_TRUE(std::isnan(f["interval_mean_s"])) << "steps are all alike: their intervals say nothing";
  // Counts of 1 ms: 3, 0, 0, 0, 0 over and over: mean 0.6, variance 1.44.
  EXPECT_NEAR(f["fano_E_1ms"], 2.4, 0.01);
}

TEST(closed_loop, ends_at_the_step_in_which_it_is_asked_to) {
  trajectory_settings settings;
  settings.duration_s = 1e6;
  settings.bin_s = 1;
  auto chains = two_chains();
  int looks = 0;
  EXPECT_THROW(run_closed_loop(clockwork, chains, settings, {}, [&looks] { return ++looks > 20; }), interrupted_error);
  EXPECT_EQ(looks, 21);
}

/// A kernel whose phases last 3.7 ms: their parts cross bins.
void uneven(std::span<chain> chains, std::span<chain_step> steps) {
  clockwork(chains, steps);
  for (auto& step : steps) {
    step.duration = 0.0037;
    step.times_E = {3, 0, 8, 0, 1};
    step.spikes_E = 12;
  }
}

TEST(closed_loop, shown_spikes_are_those_counted_and_change_nothing) {
  for (const auto& step : {clockwork, uneven}) {
    trajectory_settings settings;
    settings.duration_s = 1;
    auto chains = two_chains();
    const trajectory plain = run_closed_loop(step, chains, settings).front();
    settings.raster_s = 1;
    chains = two_chains();
    const trajectory shown = run_closed_loop(step, chains, settings).front();
    EXPECT_EQ(plain.counts_E, shown.counts_E);
    EXPECT_EQ(plain.spikes_E, shown.spikes_E);
    EXPECT_EQ(plain.spikes_I, shown.spikes_I);
    EXPECT_TRUE(plain.raster.empty());
    ASSERT_EQ(static_cast<std::int64_t>(shown.raster.size()), shown.spikes_E + shown.spikes_I);
    std::vector<double> counts(shown.counts_E.size(), 0.0);
    for (const auto& spike : shown.raster) {
      if (spike.neuron < 300) {
        counts[static_cast<std::size_t>((spike.time + 1e-9) / settings.bin_s)] += 1;
      }
    }
    EXPECT_EQ(counts, shown.counts_E);
  }
}

TEST(closed_loop, spikes_are_uniform_within_parts_that_cross_bins) {
  trajectory_settings settings;
  settings.duration_s = 100;
  auto chains = two_chains();
  const trajectory run = run_closed_loop(uneven, chains, settings).front();
  // 12 E spikes each 3.7 ms. Over 27027 phases of a period of 37 ms in bins the bins fill alike: the counts of bins of
  // each residue differ by their noise, 5 standard errors of a Poisson count.
  EXPECT_NEAR(static_cast<double>(run.spikes_E), 12 * 100 / 0.0037, 24);
  for (std::size_t residue = 0; residue < 7; ++residue) {
    double sum = 0;
    std::size_t bins = 0;
    for (std::size_t i = residue; i < run.counts_E.size(); i += 7, ++bins) {
      sum += run.counts_E[i];
    }
    const double expected = 12 / 3.7 * static_cast<double>(bins);
    EXPECT_NEAR(sum, expected, 5 * std::sqrt(expected));
  }
}

point_result point_with(double exact, double surrogate, double peak_error) {
  point_result p;
  run_result truth;
  truth.run = "exact";
  truth.figures["rate_E_hz"] = exact;
  truth.figures["rate_I_hz"] = truth.figures["phase_rate_hz"] = truth.figures["size_mean"] = truth.figures["size_cv"] =
      1;
  truth.figures["interval_mean_s"] = truth.figures["interval_cv"] = truth.figures["fano_E_1ms"] = 1;
  truth.figures["peak_hz"] = 40;
  run_result model = truth;
  model.run = "surrogate";
  model.figures["rate_E_hz"] = surrogate;
  model.figures["peak_hz"] = 40 + peak_error;
  p.runs = {truth, model};
  return p;
}

TEST(validation, table_holds_median_and_worst_errors) {
  validation_result result;
  result.points = {point_with(10, 10.1, 0.5), point_with(10, 9.5, 3), point_with(20, 20, -1)};
  const auto table = error_table(result);
  const auto rate = std::ranges::find(table, "rate_E_hz", &error_row::quantity);
  ASSERT_NE(rate, table.end());
  EXPECT_EQ(rate->run, "surrogate");
  EXPECT_NEAR(rate->median, 1, 1e-9);
  EXPECT_NEAR(rate->worst, 5, 1e-9);
  const auto peak = std::ranges::find(table, "peak_hz", &error_row::quantity);
  ASSERT_NE(peak, table.end());
  EXPECT_NEAR(peak->median, 1, 1e-9);
  EXPECT_EQ(peak->unit, "Hz");
  EXPECT_NEAR(right_share(result, figure_named("peak_hz")), 2.0 / 3, 1e-12);
}

TEST(validation, of_silent_networks_says_0_only_where_it_was_measured) {
  validation_result result;
  result.points = {point_with(0, 0, 0), point_with(0, 0.5, 0)};
  for (point_result& point : result.points) {
    for (run_result& run : point.runs) {
      run.figures["peak_hz"] = std::nan("");
      run.batches_E = {{0, 0, 0, 0}, 0.5};
    }
    point.runs[1].batches_I = {{1, 2, 1, 2}, 0.5};
  }
  const auto table = error_table(result);
  const auto rate = std::ranges::find(table, "rate_E_hz", &error_row::quantity);
  ASSERT_NE(rate, table.end());
  EXPECT_EQ(rate->median, 0);
  EXPECT_EQ(rate->worst, 0);
  EXPECT_EQ(std::ranges::find(table, "peak_hz", &error_row::quantity), table.end());
  const figure& peak = figure_named("peak_hz");
  EXPECT_EQ(points_with(result, peak), 0);
  EXPECT_TRUE(std::isnan(right_share(result, peak)));
  result.points[0].runs[0].figures["peak_hz"] = 40;
  EXPECT_EQ(points_with(result, peak), 1);
  EXPECT_EQ(right_share(result, peak), 0) << "the surrogate lacks a peak that is there";
  const auto noise = standard_error_table(result);
  ASSERT_EQ(noise.size(), 2U);
  EXPECT_EQ(noise[0].median, 0) << "a rate of 0 in every batch";
  EXPECT_EQ(noise[0].worst, 0);
  EXPECT_TRUE(std::isnan(noise[1].median)) << "the exact I rate was not measured";
  EXPECT_TRUE(std::isnan(noise[1].worst));
}

}  // namespace
}  // namespace spikesweep
