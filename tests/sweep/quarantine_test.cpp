// Tasks in a process of their own.
#include <chrono>
#include <map>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/base/stopwatch.hpp>
#include <spikesweep/network/simulators.hpp>
#include <spikesweep/sweep/cost_model.hpp>
#include <spikesweep/sweep/quarantine.hpp>
#include <spikesweep/sweep/sweep.hpp>

#include "store/sweep_samples.hpp"

namespace spikesweep {
namespace {

using ::testing::AllOf;
using testing::error_of;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Lt;
using testing::made_up_task;
using testing::same_block;
using testing::small_sweep;

class quarantine : public ::testing::Test {
 protected:
  /// All tasks of the sweep. Returns what run_in_quarantine() does.
  bool run(
      const std::vector<std::string>& program, const std::function<bool()>& poll = [] { return true; }) {
    quarantine_request request{description.section, description.sampling, {}};
    for (std::int64_t task = 0; task < description.tasks(); ++task) {
      request.tasks.push_back(task_of(description, task));
    }
    return run_in_quarantine(
        request, program, limits,
        [this](std::int64_t task, task_result&& result, const std::string& how) {
          EXPECT_FALSE(results.contains(task)) << "task " << task << " is reported twice";
          reasons[task] = how;
          results[task] = std::move(result);
        },
        poll);
  }
  /// Task 8 is set aside, and all others are done.
  void expect_only_task_8_aside() const {
    EXPECT_EQ(static_cast<std::int64_t>(results.size()), description.tasks());
    for (const auto& [task, result] : results) {
      if (task == 8) {
        EXPECT_EQ(result.state, task_state::crashed);
        continue;
      }
      const task_identity id = description.identity(task);
      EXPECT_TRUE(same_block(
          result.block, made_up_task(description, static_cast<int>(id.point), static_cast<int>(id.replicate)).block));
      EXPECT_EQ(reasons.at(task), "");
    }
  }

  sweep_description description = small_sweep(10, 3);
  quarantine_limits limits{60, [](const std::vector<std::int64_t>&) { return 60.0; }};
  std::map<std::int64_t, task_result> results;
  std::map<std::int64_t, std::string> reasons;
};

std::vector<std::string> program(const std::string& what) {
  return {SPIKESWEEP_QUARANTINE_PROGRAM, what, "2", "2"};
}

TEST_F(quarantine, sets_a_task_aside_that_crashes_with_its_signal) {
  EXPECT_TRUE(run(program("crash")));
  expect_only_task_8_aside();
  EXPECT_EQ(reasons[8], "its process ended by signal 11 (Segmentation fault)");
}

TEST_F(quarantine, sets_a_task_aside_that_throws) {
  EXPECT_TRUE(run(program("throw")));
  expect_only_task_8_aside();
  EXPECT_EQ(reasons[8], "its process ended with code 1");
}

TEST_F(quarantine, sets_a_task_aside_that_hangs) {
  limits.silence_s = 0.5;
  const auto start = steady_clock::now();
  EXPECT_TRUE(run(program("hang")));
  expect_only_task_8_aside();
  EXPECT_THAT(reasons[8], HasSubstr("no sign of life for 500 ms"));
  // Four tasks were in hand, then two, then one.
  EXPECT_THAT(seconds_since(start), AllOf(Ge(1.5), Lt(30)));
}

TEST_F(quarantine, sets_a_task_aside_that_lives_but_never_ends) {
  limits.silence_s = 1;
  limits.longest_s = [](const std::vector<std::int64_t>& in_hand) { return 0.1 * static_cast<double>(in_hand.size()); };
  EXPECT_TRUE(run(program("go-on")));
  expect_only_task_8_aside();
  EXPECT_THAT(reasons[8], HasSubstr("took longer than its limit, 1.1 s"));
}

TEST_F(quarantine, ends_when_its_caller_says_so) {
  int polls = 0;
  EXPECT_FALSE(run(program("hang"), [&polls] { return ++polls < 20; }));
  EXPECT_FALSE(results.contains(8));
}

TEST_F(quarantine, whose_program_does_not_begin_a_task_is_an_error) {
  EXPECT_THAT(error_of<environment_error>([&] { run({"/bin/true"}); }), HasSubstr("before it began one"));
  EXPECT_THAT(results, IsEmpty());
}

TEST_F(quarantine, gives_the_samples_of_the_network_as_a_rank_does) {
  description.section = {};
  description.sampling.synthetic_s = 0.01;
  description.sampling.synthetic_share = 0.5;
  description.sampling.burn_in_s = 0.02;
  description.sampling.swept = {{&find_parameter("S_EE"), 3, 5}, {&find_parameter("tau_IE"), 1.5, 2.5}};
  for (const simulator_kind kind : {simulator_kind::exact, simulator_kind::tau_leaping}) {
    description.sampling.simulation.simulator = kind;
    results.clear();
    EXPECT_TRUE(run({SPIKESWEEP_BINARY, "run-tasks"}));
    const auto simulator =
        make_simulator(description.base.model, description.section, description.sampling, description.seed);
    std::int64_t task = 0;
    simulator->run(
        [&]() -> std::optional<network_task> {
          return task < description.tasks() ? std::optional(task_of(description, task++)) : std::nullopt;
        },
        [&](const network_task& of, task_result&& result) {
          EXPECT_TRUE(same_block(result.block, results[of.label].block)) << "task " << of.label;
          EXPECT_EQ(result.summary.events, results[of.label].summary.events);
          EXPECT_EQ(results[of.label].state, task_state::done);
        });
  }
}

TEST(cost_model, knows_what_a_task_takes_at_most) {
  sweep_description description = small_sweep(10, 3);
  cost_model costs(description);
  sweep_description longest = description;
  longest.sampling.burn_in_s += longest.sampling.max_simulated_s;
  EXPECT_NEAR(costs.most(3), expected_events(longest, 3), 1e-9 * costs.most(3));
  costs.learn(3, 2 * expected_events(description, 3));
  EXPECT_NEAR(costs.most(3), 2 * expected_events(longest, 3), 1e-9 * costs.most(3));
}

}  // namespace
}  // namespace spikesweep
