// The discrete-time network (Wu et al. 2023), and its rule for multiple firing events.
#include <array>
#include <cmath>
#include <cstdio>
#include <vector>

#include <gtest/gtest.h>

#include <spikesweep/network/phases.hpp>
#include <spikesweep/network/simulators.hpp>

#include "network_sets.hpp"

namespace spikesweep {
namespace {

section_settings of_mfes() {
  section_settings section;
  section.kind = section_kind::mfe;
  return section;
}

/// How many MFEs it takes from one small MFE to the next. MFEs fall into two sorts, of about 300 E spikes (every neuron
/// once) and of 15 to 100; the few below are no beat of the rhythm.
struct beats {
  int mfes = 0;
  int small = 0;
  std::array<int, 12> cycles{};  ///< How many had so many MFEs; the last entry: that many or more.

  double share(std::size_t length) const {
    int all = 0;
    for (const int n : cycles) {
      all += n;
    }
    return all > 0 ? static_cast<double>(cycles[length]) / all : 0;
  }
};

beats beats_of(double x, double seconds) {
  constexpr std::int64_t large = 150;
  constexpr std::int64_t least = 15;
  const exact_run run = follow_task(wu2023(x), of_mfes(), sampling_settings(), {3, 70, 0}, seconds);
  EXPECT_EQ(run.state, task_state::done);
  beats out;
  int last_small = -1;
  for (const phase_record& phase : run.phases) {
    const std::int64_t size = phase.spikes_E;
    if (phase.kind != phase_kind::active || size < least) {
      continue;
    }
    if (size < large) {
      if (last_small >= 0) {
        ++out.cycles[std::min<std::size_t>(static_cast<std::size_t>(out.mfes - last_small), out.cycles.size() - 1)];
      }
      last_small = out.mfes;
      ++out.small;
    }
    ++out.mfes;
  }
  std::printf("x = %.3f: %.1f MFEs/s, %.1f %% small; cycles of", x, out.mfes / seconds, 100.0 * out.small / out.mfes);
  for (std::size_t n = 1; n < 7; ++n) {
    std::printf(" %zu: %.1f %%", n, 100 * out.share(n));
  }
  std::printf("\n");
  return out;
}

// 20 s hold about 850 MFEs.
TEST(discrete, has_a_one_beat_rhythm_at_x_0400) {
  const beats found = beats_of(0.40, 20);
  EXPECT_GT(found.mfes, 20 * 35);
  EXPECT_LT(found.small, found.mfes / 100);
}

// Of about 500 cycles; the standard error of a share is about 2 %.
TEST(discrete, has_a_two_beat_rhythm_at_x_0427) {
  const beats found = beats_of(0.427, 20);
  EXPECT_GT(found.share(2), 0.6);
}

// Of about 1200 cycles; the standard error of a share is about 1.2 %, that of a difference 1.9 %. The rhythm is the
// commonest cycle, not the only one: noise makes cycles of 2 and of 4 of its neighbours.
TEST(discrete, has_a_three_beat_rhythm_at_x_0416) {
  const beats found = beats_of(0.416, 120);
  for (std::size_t n = 1; n < found.cycles.size() - 1; ++n) {
    if (n != 3) {
      EXPECT_GT(found.share(3), found.share(n)) << n;
    }
  }
}

/// One E neuron without noise.
parameters lone_neuron() {
  parameters p = wu2023(0.4);
  p.N_E = p.N_I = 1;
  p.lambda_E = p.lambda_I = 0;
  p.P_IE = p.P_EI = p.P_II = 0;
  p.P_EE = 1;
  p.S_EE = 20;
  return p;
}

TEST(discrete, a_kick_raises_the_potential_by_its_weight_in_the_end) {
  const parameters p = lone_neuron();
  const state_layout layout;
  // All in one bin of [48, 52), with 1 pending kick on the E neuron.
  std::vector<std::int32_t> state(static_cast<std::size_t>(layout.size()));
  for (const population q : {population::E, population::I}) {
    state[static_cast<std::size_t>(layout.first_cell(q) + layout.bin_of(50))] = 1;
  }
  state[static_cast<std::size_t>(layout.pending(pool::EE))] = 1;
  for (const double dt_ms : {0.1, 0.01}) {
    discrete_network net(p, dt_ms, random_stream(1, purpose::test, 71));
    run_until(net, 0.1, nullptr);  // What is left of the mean external trace: nothing, soon.
    net.draw_from(layout, state);
    EXPECT_EQ(net.pending(pool::EE), 1);
    const double before = net.potential(0);
    run_until(net, 0.2, nullptr);
    EXPECT_EQ(net.pending(pool::EE), 0);
    // The sum of dt / tau exp(-k dt / tau) over k >= 1 is 1 - dt / 2 tau to first order, tau being 1.4 ms.
    EXPECT_NEAR(net.potential(0) - before, 20 * (1 - dt_ms / 2.8), 20 * dt_ms * dt_ms);
  }
}

TEST(discrete, a_spike_resets_to_zero_and_reaches_its_targets) {
  parameters p = lone_neuron();
  p.S_EE = 0;
  p.P_IE = 1;
  p.lambda_E = 7000;
  discrete_network net(p, 0.1, random_stream(1, purpose::test, 72));
  int seen = 0;
  for (int i = 0; i < 1000 && seen < 3; ++i) {
    const int before = net.pending(pool::EE);
    ASSERT_TRUE(net.step(1e9));
    if (net.spikes().empty()) {
      continue;
    }
    ++seen;
    EXPECT_EQ(net.spikes()[0].neuron, 0);
    EXPECT_EQ(net.spikes()[0].recurrence, 0);
    EXPECT_EQ(net.potential(0), 0);
    EXPECT_GE(net.pending(pool::EE), before);
    EXPECT_EQ(net.pending(pool::IE), 1);
  }
  EXPECT_EQ(seen, 3);
}

TEST(discrete, conserves_neurons_and_has_none_at_rest_in_every_section) {
  const parameters p = wu2023(0.427);
  sampling_settings sampling;
  sampling.transitions = 60;
  sampling.perturb_share = 0.4;
  sampling.synthetic_share = 0.3;
  sampling.swept = {{&find_parameter("S_EI"), 2.5, 3.5}};
  const state_layout& layout = sampling.layout.state;
  for (const section_kind kind : {section_kind::interval, section_kind::mfe, section_kind::volley}) {
    section_settings section;
    section.kind = kind;
    const task_result result = sample_task(p, section, sampling, {1, 0, 0});
    ASSERT_EQ(result.state, task_state::done);
    bool perturbed = false;
    bool synthetic = false;
    for (std::int64_t i = 0; i < result.block.rows(); ++i) {
      const std::uint8_t mark = result.block.perturbed[static_cast<std::size_t>(i)];
      synthetic = synthetic || mark == synthetic_mark;
      perturbed = perturbed || (mark > 0 && mark < synthetic_mark);
      for (const count_matrix* states : {&result.block.before, &result.block.after}) {
        const state_view state(states->row(i).data(), static_cast<std::size_t>(states->cols()));
        for (const population q : {population::E, population::I}) {
          EXPECT_EQ(population_size(layout, state, q), p.size(q));
          EXPECT_EQ(state[static_cast<std::size_t>(layout.refractory_cell(q))], 0);
        }
      }
    }
    EXPECT_TRUE(perturbed && synthetic);
    EXPECT_GT(result.summary.spikes_E, 0);
  }
}

TEST(discrete, mfes_hold_most_of_the_spikes_and_end_within_their_cap) {
  const exact_run run = follow_task(wu2023(0.4), of_mfes(), sampling_settings(), {1, 0, 0}, 5);
  std::int64_t inside = 0;
  std::int64_t all = 0;
  for (const phase_record& phase : run.phases) {
    all += phase.spikes_E;
    inside += phase.kind == phase_kind::active ? phase.spikes_E : 0;
    if (phase.kind == phase_kind::active) {
      EXPECT_LE(phase.duration(), 0.010 + 1e-9);
    }
  }
  EXPECT_GT(static_cast<double>(inside), 0.8 * static_cast<double>(all));
}

TEST(discrete, a_drawn_state_is_the_state_that_was_asked_for) {
  const parameters p = wu2023(0.416);
  const state_layout layout;
  discrete_network net(p, 0.1, random_stream(1, purpose::test, 73));
  run_until(net, 0.5, nullptr);
  std::vector<std::int32_t> wanted(static_cast<std::size_t>(layout.size()));
  net.coarse_grain(layout, wanted);
  discrete_network other(p, 0.1, random_stream(1, purpose::test, 74));
  other.draw_from(layout, wanted);
  std::vector<std::int32_t> found(wanted.size());
  other.coarse_grain(layout, found);
  EXPECT_EQ(found, wanted);
}

TEST(discrete, a_task_is_a_function_of_itself_alone) {
  const parameters p = wu2023(0.427);
  sampling_settings sampling;
  sampling.transitions = 40;
  const task_result alone = sample_task(p, of_mfes(), sampling, {5, 2, 1});
  const auto simulator = make_simulator(p.model, of_mfes(), sampling, 5);
  std::uint32_t next = 0;
  int seen = 0;
  simulator->run(
      [&]() -> std::optional<network_task> {
        const std::uint32_t i = next++;
        return i < 3 ? std::optional(network_task{p, {5, 2, i}, i}) : std::nullopt;
      },
      [&](const network_task& task, task_result&& result) {
        ++seen;
        if (task.label == 1) {
          EXPECT_EQ(result.block.before, alone.block.before);
          EXPECT_EQ(result.block.after, alone.block.after);
          EXPECT_EQ(result.block.duration, alone.block.duration);
          EXPECT_EQ(result.summary.events, alone.summary.events);
        } else {
          EXPECT_NE(result.block.after, alone.block.after);
        }
      });
  EXPECT_EQ(seen, 3);
}

TEST(serial_simulator, gives_up_a_task_when_asked_to) {
  sampling_settings sampling;
  sampling.transitions = 100000;
  const auto simulator = make_simulator(network_model::discrete, of_mfes(), sampling, 1);
  int polls = 0;
  task_state state = task_state::done;
  EXPECT_FALSE(simulator->run(
      []() {
        return network_task{wu2023(0.4), {1, 0, 0}, 0};
      },
      [&](const network_task&, task_result&& result) { state = result.state; }, [&] { return ++polls < 10; }));
  EXPECT_EQ(state, task_state::pending);
  EXPECT_EQ(polls, 10);
}

}  // namespace
}  // namespace spikesweep
