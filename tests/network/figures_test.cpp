// The table of figures, and figures of runs whose values are known.
#include <cmath>
#include <set>

#include <gtest/gtest.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/network/figures.hpp>

namespace spikesweep {
namespace {

/// A run of 2 s that keeps everything: 10 E spikes and 4 I spikes, three phases.
trajectory full_run() {
  trajectory run;
  run.duration_s = 2;
  run.spikes_E = 10;
  run.spikes_I = 4;
  run.counts_E.assign(2000, 0.0);
  run.counts_E[500] = 10;
  run.sizes = {2, 4, 6};
  run.intervals = {0.5, 0.5};
  run.raster = {{0.1, 0}, {0.101, 1}, {0.9, 2}};
  run.every_spike = true;
  return run;
}

TEST(figure_table, names_every_figure_once_with_unit_and_words) {
  std::set<std::string> names;
  for (const figure& f : figure_table()) {
    EXPECT_TRUE(names.insert(f.name).second) << f.name;
    EXPECT_FALSE(f.unit.empty()) << f.name;
    EXPECT_FALSE(f.words.empty()) << f.name;
    EXPECT_EQ(&figure_named(f.name), &f);
  }
  EXPECT_THROW(figure_named("no_such_figure"), internal_error);
}

TEST(figures, are_those_of_all_runs_together) {
  const parameters p;
  const std::vector<trajectory> runs{full_run(), full_run()};
  const run_figures f = figures_of(kept_runs(runs, p, 1e-3, 1.0));
  EXPECT_DOUBLE_EQ(f.rate_E(), 20.0 / (300 * 4));
  EXPECT_DOUBLE_EQ(f.rate_I(), 8.0 / (100 * 4));
  EXPECT_DOUBLE_EQ(f["phase_rate_hz"], 1.5);
  EXPECT_DOUBLE_EQ(f["size_mean"], 4);
  EXPECT_DOUBLE_EQ(f["interval_mean_s"], 0.5);
  EXPECT_DOUBLE_EQ(f["synchrony"], spike_synchrony_index(full_run().raster, 400));
}

TEST(figures, of_silence_are_0_where_0_was_measured_and_undefined_elsewhere) {
  const parameters p;
  trajectory run;
  run.duration_s = 2;
  run.counts_E.assign(2000, 0.0);
  const run_figures f = figures_of(run, p);
  EXPECT_EQ(f.rate_E(), 0);
  EXPECT_EQ(f.rate_I(), 0);
  for (const char* name : {"size_mean", "size_cv", "interval_mean_s", "interval_cv", "fano_E_1ms", "peak_hz"}) {
    EXPECT_TRUE(std::isnan(f[name])) << name;
  }
}

TEST(figures, have_no_error_where_they_are_equal_and_none_in_percent_of_0) {
  const figure& rate = figure_named("rate_E_hz");
  const figure& peak = figure_named("peak_hz");
  EXPECT_EQ(rate.error(0, 0), 0);
  EXPECT_TRUE(std::isnan(rate.error(0.5, 0)));
  EXPECT_EQ(rate.error(0, 4), 100);
  EXPECT_EQ(rate.error(5, 4), 25);
  const double undefined = std::nan("");
  EXPECT_TRUE(std::isnan(rate.error(undefined, 4)));
  EXPECT_TRUE(std::isnan(rate.error(4, undefined)));
  EXPECT_TRUE(std::isnan(peak.error(undefined, undefined)));
  EXPECT_EQ(peak.error(0, 0), 0);
  EXPECT_EQ(peak.error(41, 43), 2);
}

TEST(figures, are_undefined_where_the_run_kept_too_little) {
  const parameters p;
  trajectory run = full_run();
  run.every_spike = false;
  EXPECT_TRUE(std::isnan(figures_of(run, p)["synchrony"]));
  run.phases = false;
  const run_figures f = figures_of(run, p);
  EXPECT_TRUE(std::isnan(f["size_mean"]));
  EXPECT_TRUE(std::isnan(f["phase_rate_hz"]));
  EXPECT_FALSE(std::isnan(f.rate_E()));
  run.runaway = true;
  for (const double value : figures_of(run, p).values) {
    EXPECT_TRUE(std::isnan(value));
  }
}

TEST(figures, of_spikes_alone_are_the_rates_of_their_stretch) {
  const parameters p;
  const trajectory run = trajectory_of({{1.0005, 5}, {1.2005, 299}, {1.4005, 300}}, p, 1, 3);
  const run_figures f = figures_of(run, p);
  EXPECT_DOUBLE_EQ(f.rate_E(), 2.0 / (300 * 2));
  EXPECT_DOUBLE_EQ(f.rate_I(), 1.0 / (100 * 2));
  EXPECT_FALSE(std::isnan(f["synchrony"]));
  EXPECT_EQ(run.counts_E[200], 1);
}

TEST(figure, is_compared_in_percent_or_in_its_unit) {
  EXPECT_DOUBLE_EQ(figure_named("rate_E_hz").error(11, 10), 100 * (11.0 / 10 - 1));
  EXPECT_EQ(figure_named("rate_E_hz").error_unit(), "%");
  EXPECT_DOUBLE_EQ(figure_named("peak_hz").error(38, 40), 2);
  EXPECT_EQ(figure_named("peak_hz").error_unit(), "Hz");
}

}  // namespace
}  // namespace spikesweep
