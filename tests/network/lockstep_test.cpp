#include <cstring>
#include <map>

#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <spikesweep/network/lockstep.hpp>

namespace spikesweep {
namespace {

/// Everything in a result, as bytes.
std::string bytes_of(const task_result& result) {
  std::string out;
  const auto add = [&](const void* data, std::size_t size) { out.append(static_cast<const char*>(data), size); };
  const auto add_counts = [&](const count_matrix& m) {
    add(m.data(), static_cast<std::size_t>(m.size()) * sizeof(std::int32_t));
  };
  const auto add_vector = [&](const auto& v) { add(v.data(), v.size() * sizeof(v[0])); };
  const auto& block = result.block;
  add(&result.state, sizeof(result.state));
  for (const auto* m : {&block.before, &block.after, &block.spikes, &block.spike_times_E, &block.spike_times_I}) {
    add_counts(*m);
  }
  add_vector(block.duration);
  add_vector(block.phase);
  add_vector(block.perturbed);
  add_vector(block.capped);
  add(&result.summary, sizeof(result.summary));
  return out;
}

/// Tasks of all sorts: sizes, both inhibition forms, with and without refractoriness, weights that round at random.
network_task task_number(std::uint32_t i) {
  parameters p;
  p.N_E = 60 + 37 * static_cast<int>(i % 5);
  p.N_I = 20 + 11 * static_cast<int>(i % 3);
  p.S_EE = 4 + 0.3 * (i % 4);
  p.P_EE = i % 7 == 0 ? 1.0 : 0.15;
  p.tau_ref = i % 4 == 1 ? 0 : 3;
  p.lambda_E = 3000 + 500 * (i % 3);
  p.S_EI = p.S_II = 4.91;
  p.inhibition = i % 2 == 0 ? inhibition_kind::voltage_dependent : inhibition_kind::constant;
  return {p, {5, i, i / 3}, i};
}

sampling_settings short_sampling() {
  sampling_settings sampling;
  sampling.transitions = 20;
  sampling.burn_in_s = 0.02;
  sampling.max_simulated_s = 3;
  sampling.synthetic_share = 0.2;
  sampling.swept = {{&find_parameter("S_EE"), 3, 6}, {&find_parameter("tau_EE"), 1, 4}};
  return sampling;
}

/// Runs the tasks numbered `numbers` and returns the bytes of each.
std::map<std::int64_t, std::string> run_tasks(const section_settings& section,
                                              const std::vector<std::uint32_t>& numbers) {
  std::map<std::int64_t, std::string> out;
  std::size_t next = 0;
  lockstep_simulator simulator(section, short_sampling(), 5);
  const bool done = simulator.run(
      [&]() -> std::optional<network_task> {
        return next < numbers.size() ? std::optional(task_number(numbers[next++])) : std::nullopt;
      },
      [&](const network_task& task, task_result&& result) { out[task.label] = bytes_of(result); });
  EXPECT_TRUE(done);
  return out;
}

std::vector<std::uint32_t> upwards(std::uint32_t n) {
  std::vector<std::uint32_t> out(n);
  for (std::uint32_t i = 0; i < n; ++i) {
    out[i] = i;
  }
  return out;
}

class lockstep : public testing::TestWithParam<section_kind> {
 protected:
  section_settings section() const {
    section_settings s;
    s.kind = GetParam();
    return s;
  }
};

TEST_P(lockstep, results_do_not_depend_on_lane_or_neighbours) {
  const auto together = run_tasks(section(), upwards(34));
  ASSERT_EQ(together.size(), 34U);
  std::vector<std::uint32_t> backwards = upwards(34);
  std::reverse(backwards.begin(), backwards.end());
  EXPECT_EQ(run_tasks(section(), backwards), together);
  for (const std::uint32_t i : {0U, 7U, 33U}) {
    const network_task task = task_number(i);
    EXPECT_EQ(bytes_of(sample_task_lockstep(task.network, section(), short_sampling(), task.identity)), together.at(i));
  }
}

TEST_P(lockstep, results_are_the_same_bytes_on_every_instruction_set) {
  std::map<std::int64_t, std::string> expected;
  for (const auto target : hwy::SupportedAndGeneratedTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    const auto found = run_tasks(section(), upwards(GetParam() == section_kind::volley ? 6 : 20));
    if (expected.empty()) {
      expected = found;
    }
    EXPECT_TRUE(found == expected) << hwy::TargetName(target);
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

TEST_P(lockstep, own_transitions_follow_one_another_and_count_every_spike) {
  const parameters p;
  sampling_settings sampling;
  sampling.transitions = 300;
  sampling.perturb_share = 0.15;
  const task_result result = sample_task_lockstep(p, section(), sampling, {1, 2, 3});
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
    for (const auto* state : {&block.before, &block.after}) {
      const std::span<const std::int32_t> counts(state->row(i).data(), static_cast<std::size_t>(state->cols()));
      EXPECT_EQ(population_size(sampling.layout.state, counts, population::E), p.N_E);
      EXPECT_EQ(population_size(sampling.layout.state, counts, population::I), p.N_I);
    }
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

INSTANTIATE_TEST_SUITE_P(Sections, lockstep,
                         testing::Values(section_kind::interval, section_kind::mfe, section_kind::volley),
                         [](const auto& set) { return std::string(name_of(set.param)); });

TEST(lockstep_failure, a_runaway_pool_fails_its_task_and_no_other) {
  sampling_settings sampling = short_sampling();
  sampling.max_pending = 5000;
  const network_task calm{parameters(), {5, 1, 0}, 1};
  network_task wild = calm;
  wild.label = 0;
  wild.network.S_EI = wild.network.S_II = 0;
  wild.network.S_EE = 20;
  wild.network.P_EE = 1;
  const auto alone = bytes_of(sample_task_lockstep(calm.network, section_settings(), sampling, calm.identity));
  std::vector<network_task> tasks{wild, calm, wild, calm};
  lockstep_simulator simulator(section_settings(), sampling, 5);
  int finished = 0;
  simulator.run(
      [&]() -> std::optional<network_task> {
        if (tasks.empty()) {
          return std::nullopt;
        }
        const network_task task = tasks.back();
        tasks.pop_back();
        return task;
      },
      [&](const network_task& task, task_result&& result) {
        ++finished;
        if (task.label == 0) {
          EXPECT_EQ(result.state, task_state::runaway);
          EXPECT_EQ(result.block.rows(), 0);
        } else {
          EXPECT_EQ(bytes_of(result), alone);
        }
      });
  EXPECT_EQ(finished, 4);
}

TEST(lockstep_failure, too_few_phases_within_the_time_cap_fail_the_task) {
  parameters p;
  p.lambda_E = p.lambda_I = 0;
  section_settings section;
  section.kind = section_kind::mfe;
  sampling_settings sampling;
  sampling.max_simulated_s = 2;
  EXPECT_EQ(sample_task_lockstep(p, section, sampling, {1, 0, 0}).state, task_state::time_cap);
}

TEST(lockstep_failure, an_abandoned_task_stays_pending) {
  int polls = 0;
  const auto result = sample_task_lockstep(parameters(), section_settings(), sampling_settings(), {1, 0, 0},
                                           [&] { return ++polls < 3; });
  EXPECT_EQ(result.state, task_state::pending);
  EXPECT_EQ(polls, 3);
}

TEST(lockstep_failure, only_tasks_that_cannot_end_in_time_are_dropped) {
  sampling_settings sampling = short_sampling();
  sampling.transitions = 2000;
  sampling.max_simulated_s = 60;
  std::map<std::int64_t, task_state> ended;
  std::vector<std::uint32_t> numbers = upwards(6);
  lockstep_simulator simulator(section_settings(), sampling, 5);
  const auto run = [&](double seconds) {
    ended.clear();
    std::size_t next = 0;
    int polls = 0;
    return simulator.run(
        [&]() -> std::optional<network_task> {
          return next < numbers.size() ? std::optional(task_number(numbers[next++])) : std::nullopt;
        },
        [&](const network_task& task, task_result&& result) { ended[task.label] = result.state; },
        [&] {
          if (++polls == 2) {
            simulator.drop_slow(seconds);
          }
          return true;
        });
  };
  EXPECT_TRUE(run(1e6));
  for (const auto& [task, state] : ended) {
    EXPECT_EQ(state, task_state::done) << task;
  }
  EXPECT_TRUE(run(1e-9));
  ASSERT_EQ(ended.size(), numbers.size());
  for (const auto& [task, state] : ended) {
    EXPECT_EQ(state, task_state::pending) << task;
  }
}

TEST(lockstep_failure, silent_networks_pass_their_steps) {
  parameters p;
  p.lambda_E = p.lambda_I = 0;
  sampling_settings sampling = short_sampling();
  sampling.perturb_share = sampling.synthetic_share = 0;
  const auto result = sample_task_lockstep(p, section_settings(), sampling, {1, 0, 0});
  EXPECT_EQ(result.state, task_state::done);
  EXPECT_EQ(result.summary.events, 0);
  EXPECT_EQ(result.summary.empty, 20);
}

std::vector<exact_run> follow(const section_settings& section, const sampling_settings& sampling, double seconds,
                              const std::vector<network_task>& tasks) {
  std::vector<exact_run> out(tasks.size());
  std::size_t next = 0;
  lockstep_simulator simulator(section, sampling, 5);
  EXPECT_TRUE(simulator.follow(
      seconds,
      [&]() -> std::optional<network_task> {
        return next < tasks.size() ? std::optional(tasks[next++]) : std::nullopt;
      },
      [&](const network_task& task, exact_run&& run) { out[static_cast<std::size_t>(task.label)] = std::move(run); }));
  return out;
}

TEST(lockstep_follow, notes_what_transitions_count) {
  sampling_settings sampling = short_sampling();
  sampling.perturb_share = sampling.synthetic_share = 0;
  const section_settings section;
  const network_task task{parameters(), {5, 7, 1}, 0};
  const exact_run run = follow(section, sampling, 20 * section.interval_ms * 1e-3 + 1e-6, {task}).front();
  const task_result sampled = sample_task_lockstep(task.network, section, sampling, task.identity);
  ASSERT_EQ(run.state, task_state::done);
  ASSERT_EQ(run.phases.size(), 20U);
  EXPECT_EQ(run.begin, sampling.burn_in_s);
  std::int64_t counted = 0;
  for (std::size_t i = 0; i < run.phases.size(); ++i) {
    EXPECT_EQ(run.phases[i].spikes_E, sampled.block.spikes(static_cast<int>(i), 0));
    EXPECT_EQ(run.phases[i].spikes_I, sampled.block.spikes(static_cast<int>(i), 1));
    counted += run.phases[i].spikes_E + run.phases[i].spikes_I;
  }
  EXPECT_GT(counted, 0);
  EXPECT_EQ(static_cast<std::int64_t>(run.spikes.size()), counted);
}

TEST(lockstep_follow, cuts_the_whole_run_into_phases_whatever_runs_beside_it) {
  for (const section_kind kind : {section_kind::interval, section_kind::mfe, section_kind::volley}) {
    section_settings section;
    section.kind = kind;
    std::vector<network_task> tasks;
    for (std::uint32_t i = 0; i < 20; ++i) {
      tasks.push_back({parameters(), {5, i, 0}, i});
    }
    const auto together = follow(section, short_sampling(), 0.3, tasks);
    tasks[3].label = 0;
    const exact_run alone = follow(section, short_sampling(), 0.3, {tasks[3]}).front();
    const exact_run& run = together[3];
    ASSERT_EQ(run.spikes.size(), alone.spikes.size());
    ASSERT_EQ(run.phases.size(), alone.phases.size());
    EXPECT_EQ(run.events, alone.events);
    double end = run.begin;
    for (const auto& phase : run.phases) {
      EXPECT_EQ(phase.begin, end);
      end = phase.end;
    }
    EXPECT_LE(end, run.begin + 0.3);
    for (std::size_t i = 0; i < run.spikes.size(); ++i) {
      EXPECT_EQ(run.spikes[i].time, alone.spikes[i].time);
      EXPECT_EQ(run.spikes[i].neuron, alone.spikes[i].neuron);
      EXPECT_GE(run.spikes[i].time, i == 0 ? run.begin : run.spikes[i - 1].time);
    }
  }
}

}  // namespace
}  // namespace spikesweep
