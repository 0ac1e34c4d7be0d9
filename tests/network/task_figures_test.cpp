// The figures that a task measures are those of its network's own trajectory, whatever excursions are made from it.
#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <spikesweep/network/figures.hpp>
#include <spikesweep/network/serial.hpp>
#include <spikesweep/network/simulators.hpp>

#include "network/network_sets.hpp"
#include "network/same_task.hpp"

namespace spikesweep {
namespace {

struct figures_case {
  std::string name;
  network_model model;
  bool serial;
  section_kind section;
};

class task_figures_of : public ::testing::TestWithParam<figures_case> {
 protected:
  task_figures_of() {
    section_.kind = GetParam().section;
    sampling_.transitions = GetParam().section == section_kind::interval ? 400 : 200;
    sampling_.burn_in_s = 0.05;
    sampling_.perturb_share = 0;
    sampling_.max_simulated_s = 60;
  }

  std::unique_ptr<network_simulator> simulator() const {
    if (GetParam().serial) {
      return std::make_unique<serial_simulator>(section_, sampling_);
    }
    return make_simulator(GetParam().model, section_, sampling_, task_.identity.seed);
  }

  auto only_task() const {
    return [this, given = false]() mutable { return std::exchange(given, true) ? std::nullopt : std::optional(task_); };
  }

  task_result sampled() const {
    task_result out;
    simulator()->run(only_task(), [&](const network_task&, task_result&& result) { out = std::move(result); });
    return out;
  }

  /// The same network, followed, all its spikes noted.
  exact_run followed(double seconds) const {
    exact_run out;
    simulator()->follow(seconds, only_task(), [&](const network_task&, exact_run&& run) { out = std::move(run); });
    return out;
  }

  section_settings section_;
  sampling_settings sampling_;
  network_task task_{
      GetParam().model == network_model::discrete ? wu2023(0.41) : cai2021_small(1.4), {29, 3, 1}, 0, {}};
};

/// What a task should have measured, from the single spikes of its trajectory.
trajectory trajectory_from(const exact_run& run, double begin, double seconds, int N_E) {
  trajectory_settings settings;
  settings.duration_s = seconds;
  settings.burn_in_s = 0;
  settings.batches = batches_of(1, seconds);
  trajectory_recorder recorder(settings, N_E);
  constexpr double hair = 1e-9;  // Spikes on the edge of a bin belong to the later one, whatever rounding says.
  for (const spike_record& spike : run.spikes) {
    if (spike.time > begin) {  // The spike that begins a phase belongs to the phase before it.
      recorder.spike(spike.time - begin + hair, spike.neuron);
    }
  }
  for (const phase_record& phase : run.phases) {
    if (phase.begin >= begin) {
      recorder.phase(phase.kind, phase.duration(), phase.spikes_E + phase.spikes_I);
    }
  }
  trajectory out = recorder.take();
  out.counts_E.resize(static_cast<std::size_t>(std::floor(seconds / settings.bin_s + 1e-6)));
  out.counts_I.resize(out.counts_E.size());
  return out;
}

TEST_P(task_figures_of, are_those_of_its_spikes) {
  const task_result task = sampled();
  ASSERT_EQ(task.state, task_state::done);
  const double seconds = task.summary.simulated_s;
  ASSERT_GT(seconds, 2);
  const exact_run run = followed(seconds + 1);
  // Rows begin with the first whole phase of their kind after the burn-in.
  const auto first = std::ranges::find_if(run.phases, [&](const phase_record& phase) {
    return phase.kind == static_cast<phase_kind>(task.block.phase.front()) &&
           std::abs(phase.duration() - task.block.duration.front()) < 1e-9;
  });
  ASSERT_NE(first, run.phases.end());
  const trajectory expected = trajectory_from(run, first->begin, seconds, task_.network.N_E);
  const kept_runs kept(std::span(&expected, 1), task_.network);
  const run_figures values = figures_of(kept);
  const run_figures errors = standard_errors_of(kept);
  const figure_list rows = predicted_figures();
  ASSERT_EQ(task.figures.values.size(), rows.size());
  ASSERT_EQ(task.figures.standard_errors.size(), rows.size());
  int defined = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    SCOPED_TRACE(rows[i].get().name);
    const double value = values[rows[i]];
    ASSERT_EQ(std::isnan(task.figures.values[i]), std::isnan(value));
    if (!std::isnan(value)) {
      ++defined;
      // Spikes within a nanosecond of the edge of a bin may fall on its other side.
      EXPECT_NEAR(task.figures.values[i], value, 1e-3 * std::abs(value) + 1e-6);
      EXPECT_NEAR(task.figures.standard_errors[i], errors[rows[i]], 0.05 * errors[rows[i]]);
    }
  }
  EXPECT_GE(defined, 18);
}

TEST_P(task_figures_of, do_not_feel_excursions) {
  const task_result alone = sampled();
  sampling_.transitions *= 2;
  const task_result longer = sampled();
  sampling_.perturb_share = 0.3;
  sampling_.perturb_phases = 1;
  const task_result disturbed = sampled();
  ASSERT_EQ(disturbed.state, task_state::done);
  EXPECT_NE(disturbed.figures.values, longer.figures.values) << "its own trajectory is shorter";
  EXPECT_GT(disturbed.summary.simulated_s, alone.summary.simulated_s);
  EXPECT_LT(disturbed.summary.simulated_s, longer.summary.simulated_s);
  const figure_list rows = predicted_figures();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const double error = std::hypot(disturbed.figures.standard_errors[i], longer.figures.standard_errors[i]);
    if (!std::isnan(error)) {
      // In lockstep the network goes on with other random numbers after an excursion.
      EXPECT_NEAR(disturbed.figures.values[i], longer.figures.values[i], 4 * error) << rows[i].get().name;
    }
  }
}

TEST_P(task_figures_of, are_not_there_if_it_failed) {
  sampling_.max_simulated_s = 0.5;
  const task_result task = sampled();
  EXPECT_EQ(task.state, task_state::time_cap);
  EXPECT_TRUE(task.figures.values.empty());
}

std::vector<figures_case> all_cases() {
  std::vector<figures_case> out;
  for (const section_kind section : {section_kind::interval, section_kind::mfe, section_kind::volley}) {
    const std::string of(name_of(section));
    using enum network_model;
    out.push_back({"lockstep_" + of, markov, false, section});
    out.push_back({"oracle_" + of, markov, true, section});
    out.push_back({"discrete_" + of, discrete, true, section});
  }
  return out;
}

INSTANTIATE_TEST_SUITE_P(simulators, task_figures_of, ::testing::ValuesIn(all_cases()),
                         [](const auto& instance) { return instance.param.name; });

}  // namespace
}  // namespace spikesweep
