#include <string>

#include <gtest/gtest.h>

#include <spikesweep/network/parameters.hpp>

namespace spikesweep {
namespace {

constexpr pool pools[] = {pool::EE, pool::IE, pool::EI, pool::II};

TEST(parameters, name_the_connection_onto_post_from_pre) {
  for (const pool k : pools) {
    EXPECT_EQ(pool_of(post(k), pre(k)), k);
  }
  EXPECT_EQ(pool_of(population::E, population::I), pool::EI);
  EXPECT_EQ(post(pool::IE), population::I);
  EXPECT_EQ(pre(pool::IE), population::E);
}

TEST(parameters, give_each_connection_its_own_values) {
  constexpr const char* names[] = {"EE", "IE", "EI", "II"};
  parameters p;
  p.N_E = 30;
  p.N_I = 10;
  for (int k = 0; k < pool_count; ++k) {
    const std::string name = names[k];
    set_parameter(p, find_parameter("P_" + name), 0.1 * (k + 1));
    set_parameter(p, find_parameter("S_" + name), 1.0 + k);
    set_parameter(p, find_parameter("tau_" + name), 10.0 + k);
  }
  for (int k = 0; k < pool_count; ++k) {
    const connection c = p.connection_of(pools[k]);
    EXPECT_EQ(c.probability, 0.1 * (k + 1));
    EXPECT_EQ(c.weight, 1.0 + k);
    EXPECT_EQ(c.delay_ms, 10.0 + k);
    EXPECT_EQ(p.fanout(pools[k]), c.probability * (post(pools[k]) == population::E ? 30 : 10));
  }
}

}  // namespace
}  // namespace spikesweep
