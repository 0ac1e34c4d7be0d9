#include <algorithm>

#include <gtest/gtest.h>

#include <spikesweep/base/random.hpp>
#include <spikesweep/network/section_rule.hpp>

#include "network/network_sets.hpp"

namespace spikesweep {
namespace {

bool holds(const stop_levels& levels, double time, int pending) {
  return time <= levels.hold || pending >= levels.high || (pending <= levels.low && time > levels.expire);
}

class section_rule_levels : public testing::TestWithParam<section_kind> {};

// Made-up events about a millisecond apart, at half of which a recurrent E spike fires. Thousands of them end phases.
TEST_P(section_rule_levels, say_what_the_rule_says) {
  section_settings section;
  section.kind = GetParam();
  constexpr double mean_pool = 90;
  section_rule rule(section, parameters(), mean_pool);
  random_stream random(1, purpose::test, 30);
  constexpr double origin = 0.25;
  double time = origin;
  int ends = 0;
  for (int event = 0; event < 50000; ++event) {
    time += 1e-3 * random.exponential();
    const auto pending = static_cast<int>(random.below(200));
    if (random.bernoulli(0.5)) {
      rule.fired_E(time, 1);
    }
    const stop_levels levels = rule.levels(origin);
    const bool ended = rule.ended(time, pending);
    ASSERT_EQ(holds(levels, time - origin, pending), ended) << "event " << event;
    if (ended) {
      rule.turn();
      ++ends;
    }
  }
  EXPECT_GT(ends, 1000);
}

INSTANTIATE_TEST_SUITE_P(Sections, section_rule_levels, testing::Values(section_kind::mfe, section_kind::volley),
                         [](const auto& set) { return std::string(name_of(set.param)); });

TEST(section_rule, steps_of_an_interval_end_at_their_latest_end_only) {
  section_rule rule(section_settings{}, parameters{});
  EXPECT_EQ(rule.phase(), phase_kind::step);
  EXPECT_FALSE(rule.cuts());
  EXPECT_DOUBLE_EQ(rule.latest_end(3), 3.01);
  EXPECT_FALSE(rule.fired_E(0.001, 1));
  EXPECT_FALSE(holds(rule.levels(0), 0.002, 0));
  rule.turn();
  EXPECT_EQ(rule.phase(), phase_kind::step);
}

TEST(section_rule, the_discrete_network_counts_spikes_of_strong_recurrent_currents_only) {
  section_settings section;
  section.kind = section_kind::mfe;
  section_rule rule(section, wu2023(0.41));
  EXPECT_FALSE(rule.fired_E(0.0001, section.discrete_current));
  for (int spike = 0; spike <= section.discrete_spikes; ++spike) {
    EXPECT_FALSE(rule.ended(0.0001, 0));
    EXPECT_TRUE(rule.fired_E(0.0001, 2 * section.discrete_current));
  }
  EXPECT_TRUE(rule.ended(0.0001, 0));
  rule.turn();
  EXPECT_DOUBLE_EQ(rule.latest_end(1), 1 + 1e-3 * section.discrete_cap_ms);
  EXPECT_FALSE(rule.ended(0.002, 0));
  EXPECT_TRUE(rule.ended(0.0022, 100000)) << "whatever is pending";
}

TEST(section_rule, shifted_remembers_its_past_as_long_ago_as_before) {
  section_settings section;
  section.kind = section_kind::mfe;
  section_rule rule(section, parameters());
  for (int spike = 0; spike < section.mfe_start; ++spike) {
    rule.fired_E(0.001, 1);
  }
  rule.shift(10);
  EXPECT_TRUE(rule.ended(10.004, 0));
  EXPECT_FALSE(rule.ended(10.006, 0)) << "the window is 4 ms long";
}

}  // namespace
}  // namespace spikesweep
