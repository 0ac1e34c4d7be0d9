#include <cmath>

#include <gtest/gtest.h>

#include <spikesweep/network/phases.hpp>
#include <spikesweep/network/serial.hpp>

namespace spikesweep {
namespace {

// The published statistics: 36 +- 2 grown MFEs/s of 109 +- 5 spikes on average, all MFE phases
// together hold 75 +- 4 % of the E spikes. Over 60 s there are about 2100 MFEs: standard errors are 0.3/s (the
// intervals' CV is 0.2), 0.6 spikes and 0.5 %.
TEST(phases, multiple_firing_events_of_the_canonical_set_match_the_published_figures) {
  const parameters p;
  section_settings section;
  section.kind = section_kind::mfe;
  oracle net(p, random_stream(1, purpose::test, 10));
  phase_cutter cutter(section, p);
  std::vector<spike_record> spikes;
  run_until(net, 0.5, nullptr);
  double grown = 0;
  double size = 0;
  double inside = 0;
  double all = 0;
  while (net.time() < 60.5) {
    spikes.clear();
    const phase_record phase = cutter.run(net, spikes, 1e9);
    all += static_cast<double>(phase.spikes_E);
    inside += phase.kind == phase_kind::active ? static_cast<double>(phase.spikes_E) : 0;
    if (cutter.grown(phase)) {
      grown += 1;
      size += static_cast<double>(phase.spikes_E + phase.spikes_I);
    }
  }
  EXPECT_NEAR(grown / 60, 36, 2);
  EXPECT_NEAR(size / grown, 109, 5);
  EXPECT_NEAR(inside / all, 0.75, 0.04);
}

TEST(phases, interval_steps_tile_the_trajectory) {
  const parameters p;
  section_settings section;
  section.interval_ms = 5;
  oracle net(p, random_stream(1, purpose::test, 11));
  phase_cutter cutter(section, p);
  std::vector<spike_record> spikes;
  double end = 0;
  for (int i = 1; i <= 100; ++i) {
    const phase_record phase = cutter.run(net, spikes, 1e9);
    EXPECT_EQ(phase.begin, end);
    EXPECT_NEAR(phase.end, 0.005 * i, 1e-12);
    EXPECT_EQ(phase.kind, phase_kind::step);
    end = phase.end;
  }
}

TEST(phases, volleys_start_at_the_mean_pool_and_end_at_half_of_it) {
  const parameters p;
  section_settings section;
  section.kind = section_kind::volley;
  oracle net(p, random_stream(1, purpose::test, 12));
  run_until(net, 0.3, nullptr);
  const double mean = mean_pool(net, 1000000);
  phase_cutter cutter(section, p, mean);
  std::vector<spike_record> spikes;
  cutter.run(net, spikes, 1e9);
  for (int i = 0; i < 200; ++i) {
    const phase_record phase = cutter.run(net, spikes, 1e9);
    ASSERT_EQ(phase.kind, i % 2 == 0 ? phase_kind::active : phase_kind::quiet);
    if (phase.kind == phase_kind::quiet) {
      EXPECT_GE(net.pending(pool::EE), mean);
    } else if (!phase.capped) {
      EXPECT_LE(net.pending(pool::EE), mean / 2);
    }
  }
}

TEST(phases, an_active_phase_ends_at_its_cap) {
  const parameters p;
  section_settings section;
  section.kind = section_kind::mfe;
  section.cap_ms = 2;
  oracle net(p, random_stream(1, purpose::test, 13));
  phase_cutter cutter(section, p);
  std::vector<spike_record> spikes;
  int capped = 0;
  for (int i = 0; i < 200; ++i) {
    const phase_record phase = cutter.run(net, spikes, 1e9);
    if (phase.kind == phase_kind::active) {
      EXPECT_LE(phase.duration(), 0.002 + 1e-12);
      capped += phase.capped;
    }
  }
  EXPECT_GT(capped, 50);
}

class serial_task : public testing::TestWithParam<section_kind> {};

TEST_P(serial_task, own_transitions_follow_one_another_and_count_every_spike) {
  const parameters p;
  section_settings section;
  section.kind = GetParam();
  sampling_settings sampling;
  sampling.transitions = 300;
  const task_result result = sample_task(p, section, sampling, {1, 2, 3});
  ASSERT_EQ(result.state, task_state::done);
  const auto& block = result.block;
  ASSERT_EQ(block.rows(), 300);
  std::int64_t last = -1;
  std::int64_t spikes_E = 0;
  double seconds = 0;
  int excursions = 0;
  for (std::int64_t i = 0; i < block.rows(); ++i) {
    const auto row = static_cast<std::size_t>(i);
    EXPECT_EQ(block.spike_times_E.row(i).sum(), block.spikes(i, 0));
    EXPECT_EQ(block.spike_times_I.row(i).sum(), block.spikes(i, 1));
    const std::span<const std::int32_t> after(block.after.row(i).data(), static_cast<std::size_t>(block.after.cols()));
    EXPECT_EQ(population_size(sampling.layout.state, after, population::E), p.N_E);
    EXPECT_EQ(population_size(sampling.layout.state, after, population::I), p.N_I);
    if (block.perturbed[row] != 0) {
      excursions += block.perturbed[row] == 1;
      EXPECT_LE(block.perturbed[row], sampling.perturb_phases);
      continue;
    }
    if (last >= 0) {
      EXPECT_EQ(block.before.row(i), block.after.row(last));
    }
    last = i;
    spikes_E += block.spikes(i, 0);
    seconds += block.duration[row];
  }
  EXPECT_EQ(spikes_E, result.summary.spikes_E);
  EXPECT_NEAR(seconds, result.summary.simulated_s, 1e-9);
  // About 300 / 1.45 = 207 sections, 15 % of which start an excursion: 31 +- 5.
  EXPECT_NEAR(excursions, 31, 20);
}

TEST_P(serial_task, is_a_function_of_the_task_alone) {
  section_settings section;
  section.kind = GetParam();
  sampling_settings sampling;
  sampling.transitions = 50;
  const auto a = sample_task(parameters(), section, sampling, {1, 2, 3});
  const auto b = sample_task(parameters(), section, sampling, {1, 2, 3}, [] { return true; });
  const auto c = sample_task(parameters(), section, sampling, {1, 2, 4});
  EXPECT_EQ(a.block.before, b.block.before);
  EXPECT_EQ(a.block.after, b.block.after);
  EXPECT_EQ(a.block.duration, b.block.duration);
  EXPECT_NE(a.block.after, c.block.after);
}

INSTANTIATE_TEST_SUITE_P(Sections, serial_task,
                         testing::Values(section_kind::interval, section_kind::mfe, section_kind::volley),
                         [](const auto& set) { return std::string(name_of(set.param)); });

TEST(serial_task_failure, a_runaway_pool_fails_the_task) {
  parameters p;
  p.S_EI = p.S_II = 0;
  p.S_EE = 20;
  p.P_EE = 1;
  sampling_settings sampling;
  sampling.max_pending = 5000;
  const auto result = sample_task(p, section_settings(), sampling, {1, 0, 0});
  EXPECT_EQ(result.state, task_state::runaway);
  EXPECT_EQ(result.block.rows(), 0);
}

TEST(serial_task_failure, too_few_phases_within_the_time_cap_fail_the_task) {
  parameters p;
  p.lambda_E = p.lambda_I = 0;
  section_settings section;
  section.kind = section_kind::mfe;
  sampling_settings sampling;
  sampling.max_simulated_s = 2;
  EXPECT_EQ(sample_task(p, section, sampling, {1, 0, 0}).state, task_state::time_cap);
}

TEST(serial_task_failure, an_abandoned_task_stays_pending) {
  sampling_settings sampling;
  int polls = 0;
  const auto result = sample_task(parameters(), section_settings(), sampling, {1, 0, 0}, [&] { return ++polls < 3; });
  EXPECT_EQ(result.state, task_state::pending);
  EXPECT_EQ(polls, 3);
}

}  // namespace
}  // namespace spikesweep
