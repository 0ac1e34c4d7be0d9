// Whole sweeps of networks that go by steps, or in lockstep, on any number of ranks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <spikesweep/network/simulators.hpp>
#include <spikesweep/store/sweep_file.hpp>
#include <spikesweep/sweep/plan.hpp>
#include <spikesweep/sweep/sweep.hpp>

#include "network/network_sets.hpp"
#include "store/compare_files.hpp"
#include "store/sweep_samples.hpp"
#include "sweep/shared_directory.hpp"

namespace spikesweep {
namespace {

using testing::lasting_bytes;

/// Four points of `base` on an axis of S_EI.
sweep_description sweep_of(const parameters& base, simulator_kind simulator) {
  sweep_description d = testing::small_sweep(4, 2);
  d.base = base;
  d.section.kind = section_kind::mfe;
  d.section.cap_ms = 20;
  d.sampling.simulation = {simulator, 0.2};
  d.sampling.transitions = 20;
  d.sampling.burn_in_s = 0.1;
  d.sampling.perturb_share = 0.3;
  d.sampling.synthetic_share = 0.3;
  d.sampling.synthetic_s = 0.02;
  d.sampling.swept = {{&find_parameter("S_EI"), base.S_EI, base.S_EI * 1.03}};
  d.points.axes = {"S_EI"};
  d.points.points.resize(4, 1);
  for (int i = 0; i < 4; ++i) {
    d.points.points(i, 0) = base.S_EI * (1 + 0.01 * i);
  }
  return d;
}

class stepped_sweep : public testing::shared_directory {
 protected:
  void expect_the_same_bytes_on_any_ranks(const sweep_description& d) {
    const sweep_outcome outcome = run_sweep(world, directory / "s.h5", d, {});
    EXPECT_EQ(outcome.done, 8);
    if (world.rank() == 0) {
      const boost::mpi::communicator self(MPI_COMM_SELF, boost::mpi::comm_duplicate);
      run_sweep(self, directory / "expected.h5", d, {});
      EXPECT_EQ(lasting_bytes(directory / "s.h5"), lasting_bytes(directory / "expected.h5"));
      const sweep_description stored = sweep_reader(directory / "s.h5").description();
      EXPECT_EQ(stored.base, d.base);
      EXPECT_EQ(stored.section, d.section);
      EXPECT_EQ(stored.sampling.simulation, d.sampling.simulation);
    }
    world.barrier();
    EXPECT_EQ(run_sweep(world, directory / "s.h5", d, {}).resumed, 8);
  }
};

TEST_F(stepped_sweep, of_a_discrete_network_has_the_same_bytes_on_any_number_of_ranks) {
  expect_the_same_bytes_on_any_ranks(sweep_of(wu2023(0.41), simulator_kind::exact));
}

TEST_F(stepped_sweep, by_tau_leaping_has_the_same_bytes_on_any_number_of_ranks) {
  expect_the_same_bytes_on_any_ranks(sweep_of(parameters(), simulator_kind::tau_leaping));
}

TEST_F(stepped_sweep, in_lockstep_has_the_same_bytes_on_any_number_of_ranks) {
  expect_the_same_bytes_on_any_ranks(sweep_of(parameters(), simulator_kind::exact));
}

TEST_F(stepped_sweep, of_another_simulator_or_step_is_refused) {
  sweep_description d = sweep_of(parameters(), simulator_kind::tau_leaping);
  run_sweep(world, directory / "s.h5", d, {});
  d.sampling.simulation.dt_ms = 0.1;
  EXPECT_THAT(testing::error_of<input_error>([&] { run_sweep(world, directory / "s.h5", d, {}); }),
              ::testing::HasSubstr("sampling.dt_ms: 0.2 in the file, 0.1 now"));
  d.sampling.simulation = {simulator_kind::exact, 0.2};
  EXPECT_THAT(testing::error_of<input_error>([&] { run_sweep(world, directory / "s.h5", d, {}); }),
              ::testing::HasSubstr("sampling.simulator: tau_leaping in the file, exact now"));
}

TEST(plan, of_networks_one_after_another_counts_one_task_in_hand) {
  const sweep_description d = sweep_of(wu2023(0.41), simulator_kind::exact);
  EXPECT_EQ(plan_sweep(d).width, 1);
  EXPECT_GT(plan_sweep(sweep_of(parameters(), simulator_kind::exact)).width, 1);
  const task_calibration found = calibrate(d, 0.5);
  EXPECT_GT(found.ns_per_event, 0);
  sweep_plan plan = plan_sweep(d, found);
  // Eight tasks one after another: a second rank halves the time, but for the end.
  EXPECT_NEAR(plan.wall_s(1) / plan.core_s, 1, 0.1);
}

}  // namespace
}  // namespace spikesweep
