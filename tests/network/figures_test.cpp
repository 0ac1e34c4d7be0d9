// The table of figures, and figures of runs whose values are known.
#include <algorithm>
#include <cmath>
#include <set>

#include <gtest/gtest.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/base/random.hpp>
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
    EXPECT_FALSE(f.definition.empty()) << f.name;
    EXPECT_EQ(f.of == nullptr, f.needs == figure_needs::reference) << f.name;
    EXPECT_EQ(&figure_named(f.name), &f);
  }
  EXPECT_THROW(figure_named("no_such_figure"), internal_error);
}

TEST(figures, are_those_of_all_runs_together) {
  const parameters p;
  const std::vector<trajectory> runs{full_run(), full_run()};
  const run_figures f = figures_of(kept_runs(runs, p));
  EXPECT_DOUBLE_EQ(f.rate_E(), 20.0 / (300 * 4));
  EXPECT_DOUBLE_EQ(f.rate_I(), 8.0 / (100 * 4));
  EXPECT_DOUBLE_EQ(f["phase_rate_hz"], 1.5);
  EXPECT_DOUBLE_EQ(f["size_mean"], 4);
  EXPECT_DOUBLE_EQ(f["interval_mean_s"], 0.5);
  EXPECT_DOUBLE_EQ(f["synchrony"], spike_synchrony_index(full_run().raster, 400));
}

TEST(figures, of_counts_in_windows_are_those_of_plain_computation) {
  const parameters p;
  trajectory run;
  run.duration_s = 0.05;
  for (int i = 0; i < 50; ++i) {
    run.counts_E.push_back(i % 5 == 0 ? 7 : i % 3);
    run.counts_I.push_back(i % 5 == 2 ? 4 : 0);
    run.spikes_E += static_cast<int>(run.counts_E.back());
    run.spikes_I += static_cast<int>(run.counts_I.back());
  }
  const run_figures f = figures_of(run, p);
  const auto fano = [](const std::vector<double>& counts, std::size_t bins) {
    std::vector<double> sums;
    for (std::size_t begin = 0; begin + bins <= counts.size(); begin += bins) {
      sums.push_back(0);
      for (std::size_t i = begin; i < begin + bins; ++i) {
        sums.back() += counts[i];
      }
    }
    return fano_factor(sums);
  };
  EXPECT_NEAR(f["fano_E_1ms"], fano(run.counts_E, 1), 1e-12);
  EXPECT_NEAR(f["fano_E_20ms"], fano(run.counts_E, 20), 1e-12);
  EXPECT_NEAR(f["fano_I_1ms"], fano(run.counts_I, 1), 1e-12);
  EXPECT_EQ(f["fano_I_5ms"], 0) << "all windows are alike";
  EXPECT_TRUE(std::isnan(f["fano_E_100ms"])) << "the window is longer than the run";
  EXPECT_TRUE(std::isnan(f["spectrum_db"])) << "there is nothing to compare with";
  // A window of 1 ms is no whole number of bins of 2 ms, and one of 20 ms is.
  const run_figures wide = figures_of(run, p, {.bin_s = 2e-3});
  EXPECT_TRUE(std::isnan(wide["fano_E_1ms"]));
  EXPECT_FALSE(std::isnan(wide["fano_E_20ms"]));
}

TEST(figures, have_the_lag_at_which_I_spikes_follow_E_spikes) {
  const parameters p;
  trajectory run;
  run.duration_s = 0.1;
  run.counts_E.assign(100, 0.0);
  run.counts_I.assign(100, 0.0);
  for (const std::size_t burst : {3, 22, 37, 61, 84}) {
    run.counts_E[burst] = 8;
    run.counts_I[burst + 2] = run.counts_I[burst + 4] = 1;
    run.counts_I[burst + 3] = 4;
  }
  // A lag of k bins has 100 - k pairs of bins, so the parabola through the lags of 2, 3 and 4 bins is not quite even.
  const double below = 40.0 / 98;
  const double top = 160.0 / 97;
  const double above = 40.0 / 96;
  const double lag_ms = 3 + (below - above) / (2 * (below - 2 * top + above));
  EXPECT_NEAR(lag_ms, 3, 0.01);
  EXPECT_NEAR(figures_of(run, p)["lag_I_ms"], lag_ms, 1e-9);
  std::swap(run.counts_E, run.counts_I);
  EXPECT_NEAR(figures_of(run, p)["lag_I_ms"], -lag_ms, 1e-9);
  std::ranges::fill(run.counts_I, 0.0);
  EXPECT_TRUE(std::isnan(figures_of(run, p)["lag_I_ms"])) << "no I spikes, no lag";
}

TEST(figures, have_no_lag_of_independent_spikes) {
  const parameters p;
  for (std::uint32_t seed = 0; seed < 50; ++seed) {
    random_stream stream(17, purpose::test, seed);
    trajectory run;
    run.duration_s = 10;
    for (int bin = 0; bin < 10000; ++bin) {
      run.counts_E.push_back(stream.below(6));
      run.counts_I.push_back(stream.below(9));
    }
    EXPECT_TRUE(std::isnan(figures_of(run, p)["lag_I_ms"])) << seed;
    // A fifth of the E spikes makes an I spike two bins later.
    for (std::size_t bin = 2; bin < 10000; ++bin) {
      run.counts_I[bin] += stream.uniform() < 0.2 * run.counts_E[bin - 2] ? 1 : 0;
    }
    EXPECT_NEAR(figures_of(run, p)["lag_I_ms"], 2, 0.5) << seed;
  }
}

TEST(figures, of_one_of_many_runs_are_those_of_this_run) {
  const parameters p;
  random_stream stream(19, purpose::test);
  std::vector<trajectory> runs;
  for (int r = 0; r < 20; ++r) {
    trajectory_recorder recorder({.duration_s = 2, .burn_in_s = 0}, p.N_E);
    double begin = 0;
    while (begin < 2) {
      const double duration = 0.005 + 0.02 * stream.uniform();
      const int spikes = static_cast<int>(stream.below(60));
      for (int i = 0; i < spikes; ++i) {
        recorder.spike(begin + duration * stream.uniform(), static_cast<int>(stream.below(400)));
      }
      recorder.phase(stream.uniform() < 0.5 ? phase_kind::active : phase_kind::quiet, duration, spikes);
      begin += duration;
    }
    runs.push_back(recorder.take());
  }
  const kept_runs all(runs, p);
  ASSERT_TRUE(all.runs_are_batches());
  int defined = 0;
  for (int r = 0; r < 20; ++r) {
    const run_figures expected = figures_of(runs[static_cast<std::size_t>(r)], p);
    const run_figures found = figures_of(all.alone(r));
    for (const figure& f : predicted_figures()) {
      ASSERT_EQ(std::isnan(found[f]), std::isnan(expected[f])) << f.name;
      if (!std::isnan(expected[f])) {
        ++defined;
        EXPECT_NEAR(found[f], expected[f], 1e-9 * std::abs(expected[f])) << f.name;
      }
    }
  }
  EXPECT_GT(defined, 20 * 18);
  runs.front().batches_E = {1, 2};
  runs.front().batches_I = {3, 4};
  EXPECT_FALSE(kept_runs(runs, p).runs_are_batches());
}

TEST(figures, of_steps_longer_than_the_run_have_no_phase_rate) {
  parameters p;
  trajectory_recorder recorder({.duration_s = 5e-3, .burn_in_s = 0.02}, p.N_E);
  recorder.phase(phase_kind::step, 0.03, 4);
  const trajectory run = recorder.take();
  EXPECT_TRUE(std::isnan(figures_of(run, p)["phase_rate_hz"]));
}

TEST(figures, of_neurons_are_those_of_plain_computation) {
  parameters p;
  p.N_E = 3;
  p.N_I = 2;
  std::vector<spike_record> spikes;
  random_stream stream(5, purpose::test);
  constexpr int windows = 50;
  std::vector<std::vector<double>> counts(5, std::vector<double>(windows, 0.0));
  std::vector<std::vector<double>> times(5);
  for (double t = 2; t < 3; t += 1e-3 * stream.exponential()) {
    const int neuron = static_cast<int>(stream.below(5));
    spikes.push_back({t, neuron});
    counts[static_cast<std::size_t>(neuron)][std::min(windows - 1, static_cast<int>((t - 2) / 20e-3))] += 1;
    times[static_cast<std::size_t>(neuron)].push_back(t);
  }
  const run_figures f = figures_of(trajectory_of(spikes, p, 2, 3), p);
  double cv = 0;
  double correlation = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    std::vector<double> intervals;
    for (std::size_t k = 1; k < times[i].size(); ++k) {
      intervals.push_back(times[i][k] - times[i][k - 1]);
    }
    cv += coefficient_of_variation(intervals) / 3;
    for (std::size_t j = 0; j < i; ++j) {
      double covariance = 0;
      for (std::size_t w = 0; w < windows; ++w) {
        covariance += (counts[i][w] - mean(counts[i])) * (counts[j][w] - mean(counts[j])) / (windows - 1);
      }
      correlation += covariance / (standard_deviation(counts[i]) * standard_deviation(counts[j])) / 3;
    }
  }
  EXPECT_NEAR(f["isi_cv_E"], cv, 1e-9);
  EXPECT_NEAR(f["pair_correlation_E"], correlation, 1e-9);
  EXPECT_NEAR(f["synchrony"], spike_synchrony_index(spikes, 5), 1e-12);
}

TEST(figures, have_standard_errors_from_the_batches_of_all_runs) {
  const parameters p;
  std::vector<trajectory> runs;
  std::vector<double> rates;
  for (int r = 0; r < 2; ++r) {
    trajectory run;
    run.duration_s = 2;
    run.counts_E.assign(2000, 0.0);
    run.counts_I.assign(2000, 0.0);
    for (const int spikes : {10 + r, 14 - r}) {
      run.batches_E.push_back(spikes);
      run.batches_I.push_back(0);
      run.spikes_E += spikes;
      rates.push_back(spikes / 300.0);
    }
    run.counts_E[100] = run.batches_E[0];
    run.counts_E[1100] = run.batches_E[1];
    runs.push_back(run);
  }
  const kept_runs all(runs, p);
  const run_figures errors = standard_errors_of(all);
  EXPECT_EQ(all.batches(), 4);
  EXPECT_NEAR(errors.rate_E(), standard_deviation(rates) / 2, 1e-12) << "batch means";
  EXPECT_EQ(errors.rate_I(), 0);
  EXPECT_TRUE(std::isnan(errors["fano_I_1ms"])) << "there is no figure";
  // Without the first batch: 1000 windows of the first run's second half, and those of the second run.
  std::vector<double> left(runs[0].counts_E.begin() + 1000, runs[0].counts_E.end());
  left.insert(left.end(), runs[1].counts_E.begin(), runs[1].counts_E.end());
  EXPECT_NEAR(figures_of(all.without(0))["fano_E_1ms"], fano_factor(left), 1e-10);
  EXPECT_GT(errors["fano_E_1ms"], 0);
  const run_figures of_one = standard_errors_of(kept_runs(std::span(runs).first(1), p));
  EXPECT_NEAR(of_one.rate_E(), 2 / 300.0, 1e-12) << "two batches, 10 and 14 spikes";
  trajectory whole = runs.front();
  whole.batches_E = whole.batches_I = {};
  for (const double error : standard_errors_of(kept_runs(std::span(&whole, 1), p)).values) {
    EXPECT_TRUE(std::isnan(error)) << "a single batch says nothing";
  }
}

TEST(figures, can_be_left_before_each_of_them) {
  const parameters p;
  const std::vector<trajectory> runs(2, full_run());
  std::size_t calls = 0;
  const figure_settings patient{.before_each = [&] { ++calls; }};
  figures_of(kept_runs(runs, p, patient));
  EXPECT_EQ(calls, figure_table().size());
  standard_errors_of(kept_runs(runs, p, patient));
  EXPECT_EQ(calls, 3 * figure_table().size()) << "without the first batch, and without the second";
  const figure_settings hasty{.before_each = [] { throw interrupted_error("now"); }};
  EXPECT_THROW(figures_of(kept_runs(runs, p, hasty)), interrupted_error);
  EXPECT_THROW(standard_errors_of(kept_runs(runs, p, hasty)), interrupted_error);
}

TEST(figures, of_very_many_runs_have_standard_errors_from_fewer_batches) {
  const parameters p;
  std::vector<trajectory> runs(301);
  std::vector<double> rates;
  for (std::size_t r = 0; r < runs.size(); ++r) {
    runs[r].duration_s = 1;
    runs[r].spikes_E = static_cast<std::int64_t>(r % 7);
    runs[r].counts_E.assign(1000, 0.0);
    runs[r].counts_I = runs[r].counts_E;
    rates.push_back(static_cast<double>(r % 7) / 300);
  }
  const kept_runs all(runs, p);
  EXPECT_EQ(all.batches(), 151) << "two runs each, and the last one alone";
  EXPECT_NEAR(figures_of(all).rate_E(), mean(rates), 1e-12);
  const std::vector<double> others(rates.begin() + 2, rates.end());
  EXPECT_NEAR(figures_of(all.without(0)).rate_E(), mean(others), 1e-12);
  rates.pop_back();
  EXPECT_NEAR(figures_of(all.without(150)).rate_E(), mean(rates), 1e-12);
}

TEST(batches, are_enough_but_none_is_short) {
  EXPECT_EQ(batches_of(1, 10), 16);
  EXPECT_EQ(batches_of(8, 2.5), 2);
  EXPECT_EQ(batches_of(64, 10), 1);
  EXPECT_EQ(batches_of(1, 1), 2);
  EXPECT_EQ(batches_of(1, 0.2), 1);
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
  const figure& power = figure_named("peak_power");
  EXPECT_NEAR(power.error(20, 10), 10 * std::log10(2.0), 1e-12);
  EXPECT_NEAR(power.error(10, 20), 10 * std::log10(2.0), 1e-12);
  EXPECT_TRUE(std::isnan(power.error(0, 10)));
  EXPECT_EQ(power.error_unit(), "dB");
  EXPECT_EQ(figure_named("spectrum_db").error(0.7, std::nan("")), 0.7) << "an error itself";
}

}  // namespace
}  // namespace spikesweep
