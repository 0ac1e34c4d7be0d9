#include <algorithm>

#include <gtest/gtest.h>

#include <spikesweep/network/trajectory.hpp>

namespace spikesweep {
namespace {

TEST(trajectory, of_a_large_synchronous_network_is_followed_through_its_bursts) {
  // zhang2024 with ten times the neurons: each burst leaves more than a million kicks on their way.
  parameters p;
  p.N_E = 3000;
  p.N_I = 1000;
  p.S_EE = 0.41;
  p.S_IE = 0.28;
  p.S_EI = 0.2;
  p.S_II = 0.19;
  trajectory_settings settings;
  settings.burn_in_s = 0;
  settings.duration_s = 0.1;
  const trajectory run =
      run_exact(std::vector<network_task>{{p, {1, 50, 0}, 0}}, section_settings(), {}, settings).front();
  EXPECT_FALSE(run.runaway);
  EXPECT_GT(*std::ranges::max_element(run.counts_E), 150) << "E spikes in 1 ms: a burst";
}

TEST(trajectory, of_the_exact_network_agrees_with_its_spikes) {
  trajectory_settings settings;
  settings.duration_s = 2;
  settings.burn_in_s = 0.3;
  settings.raster_s = 2;
  const parameters p;
  for (const auto kind : {section_kind::interval, section_kind::mfe, section_kind::volley}) {
    section_settings section;
    section.kind = kind;
    const trajectory run = run_exact(std::vector<network_task>{{p, {1, 50, 0}, 0}}, section, {}, settings).front();
    EXPECT_EQ(static_cast<std::int64_t>(run.raster.size()), run.spikes_E + run.spikes_I);
    double sum = 0;
    for (const double n : run.counts_E) {
      sum += n;
    }
    EXPECT_EQ(sum, static_cast<double>(run.spikes_E));
    EXPECT_EQ(run.counts_E.size(), 2000U);
    EXPECT_GT(run.spikes_E, 2000);
    EXPECT_EQ(run.intervals.empty(), kind == section_kind::interval);
  }
}

TEST(trajectory, of_the_exact_network_is_the_same_in_any_company) {
  const parameters p;
  trajectory_settings settings;
  settings.duration_s = 1;
  settings.raster_s = 1;
  const std::vector<network_task> networks{{p, {1, 51, 0}, 0}, {p, {1, 51, 1}, 0}};
  const auto both = run_exact(networks, section_settings(), {}, settings);
  const trajectory alone = run_exact(std::span(networks).last(1), section_settings(), {}, settings).front();
  ASSERT_EQ(both[1].raster.size(), alone.raster.size());
  for (std::size_t i = 0; i < alone.raster.size(); ++i) {
    EXPECT_EQ(both[1].raster[i].time, alone.raster[i].time);
  }
  EXPECT_NE(both[0].counts_E, both[1].counts_E);
  EXPECT_TRUE(run_exact(networks, section_settings(), {}, settings, [] { return false; }).empty());
}

}  // namespace
}  // namespace spikesweep
