// What a trained model does in closed loop, by itself.
#include <algorithm>
#include <filesystem>
#include <map>
#include <numeric>
#include <set>

#include <spikesweep/base/error.hpp>
#include <spikesweep/surrogate/closed_loop.hpp>
#include <spikesweep/surrogate/departure.hpp>
#include <spikesweep/surrogate/tuning.hpp>

#include "small_surrogate.hpp"

namespace spikesweep {
namespace {

class surrogate : public testing::small_surrogate {};

TEST_P(surrogate, conserves_neurons_and_counts_every_spike) {
  auto chains = start_chains(model_, middle(), 3, 1, 0);
  std::vector<chain_step> steps(chains.size());
  const kernel step = surrogate_kernel(model_, 2);  // Fewer rows than chains: they go through in parts.
  const auto& layout = model_.space.layout.state;
  for (int n = 0; n < 200; ++n) {
    const phase_kind expected = chains[0].phase;
    step(chains, steps);
    EXPECT_EQ(steps[0].phase, expected);
    for (std::size_t i = 0; i < chains.size(); ++i) {
      ASSERT_EQ(population_size(layout, chains[i].state, population::E), 300);
      ASSERT_EQ(population_size(layout, chains[i].state, population::I), 100);
      for (const auto n_cell : chains[i].state) {
        ASSERT_GE(n_cell, 0);
      }
      ASSERT_EQ(std::accumulate(steps[i].times_E.begin(), steps[i].times_E.end(), 0), steps[i].spikes_E);
      ASSERT_EQ(std::accumulate(steps[i].times_I.begin(), steps[i].times_I.end(), 0), steps[i].spikes_I);
      ASSERT_GT(steps[i].duration, 0);
    }
  }
}

TEST_P(surrogate, is_tuned_and_keeps_the_better) {
  fit_emulator(world_, model_.emulator);
  ASSERT_EQ(model_.emulator.points.rows(), 8);
  EXPECT_TRUE(tune_figures(world_, 1, {}, model_).empty()) << "too few points for two axes";
  EXPECT_TRUE(model_.surrogate().shift.empty());

  // The same figures at more points: what the network does there does not matter here.
  emulator& e = model_.emulator;
  const Eigen::MatrixXd eight = e.points;
  e.points.resize(16, eight.cols());
  e.points << eight, (eight.array() + 1e-3).matrix();
  for (emulated_figure& f : e.figures) {
    for (auto* numbers : {&f.values, &f.standard_errors}) {
      const std::vector<double> of_eight = *numbers;
      numbers->insert(numbers->end(), of_eight.begin(), of_eight.end());
    }
  }
  const auto record = tune_figures(world_, 4, {}, model_);
  ASSERT_GE(record.size(), 3U);
  EXPECT_EQ(record[0].of.get().name, "rate_E_hz");
  const input_shift& shift = model_.surrogate().shift;
  const bool better = std::ranges::any_of(record, [](const tuning_record& r) { return r.after < r.before; });
  EXPECT_EQ(shift.empty(), !better);
  EXPECT_EQ(shift.log_noise.empty(), shift.empty());
  // The shift is looked up for what is asked for, and changes nothing else.
  const auto chains = start_chains(model_, middle(), 1, 1, 0);
  EXPECT_EQ(chains[0].values, shifted(model_.space, shift, middle()));
  EXPECT_EQ(chains[0].noise, static_cast<float>(noise_scale(model_.space, shift, middle())));
  EXPECT_EQ(chains[0].p, parameters_at(model_.space, middle()));
  EXPECT_THROW(tune_figures(
                   world_, 4, [] { return true; }, model_),
               interrupted_error);
}

TEST_P(surrogate, a_chains_bits_depend_neither_on_the_others_nor_on_their_number) {
  constexpr int many = 150;  // More than go through the networks at a time.
  auto together = start_chains(model_, middle(), many, 1, 0);
  std::vector<chain_step> steps(together.size());
  const kernel step = surrogate_kernel(model_, many);
  for (int n = 0; n < 10; ++n) {
    step(together, steps);
  }
  for (const std::size_t i : {std::size_t{0}, std::size_t{1}, std::size_t{74}, std::size_t{75}, std::size_t{149}}) {
    auto alone = std::vector{start_chains(model_, middle(), many, 1, 0)[i]};
    std::vector<chain_step> its(1);
    const kernel one = surrogate_kernel(model_, 1);
    for (int n = 0; n < 10; ++n) {
      one(alone, its);
    }
    EXPECT_EQ(alone[0].state, together[i].state) << "chain " << i;
    EXPECT_EQ(its[0].times_E, steps[i].times_E);
    EXPECT_EQ(its[0].duration, steps[i].duration);
  }
}

TEST_P(surrogate, held_out_losses_are_given_by_phase_and_regime) {
  const epoch_record& last = model_.surrogate().history.back();
  std::int64_t rows = 0;
  double counts = 0;
  double profile = 0;
  std::set<phase_kind> phases;
  std::map<regime, std::int64_t> of_regime;
  for (const group_loss& group : last.selection_groups) {
    rows += group.rows;
    counts += group.counts * static_cast<double>(group.rows);
    profile += group.profile * static_cast<double>(group.rows);
    phases.insert(group.phase);
    of_regime[group.points] += group.rows;
  }
  EXPECT_EQ(rows, 2 * 120);
  EXPECT_NEAR(counts / static_cast<double>(rows), last.selection_counts, 1e-9);
  EXPECT_NEAR(profile / static_cast<double>(rows), last.selection_profile, 1e-9);
  const bool steps_only = GetParam() == section_kind::interval;
  EXPECT_EQ(phases, steps_only ? std::set{phase_kind::step} : (std::set{phase_kind::active, phase_kind::quiet}));
  // Of two points the one of the smaller Fano factor is called asynchronous.
  EXPECT_EQ(of_regime, (std::map<regime, std::int64_t>{{regime::asynchronous, 120}, {regime::intermediate, 120}}));
  std::vector<double> fano;
  for (std::int64_t task = 0; task < about_.tasks(); ++task) {
    if (about_.points.roles[static_cast<std::size_t>(task)] == point_role::selection) {
      const Eigen::ArrayXd spikes = file_->read_rows(task, task + 1).block.spikes.col(0).cast<double>();
      fano.push_back((spikes - spikes.mean()).square().mean() / spikes.mean());
    }
  }
  ASSERT_EQ(fano.size(), 2U);
  const std::size_t lower = fano[0] < fano[1] ? 0 : 1;
  for (std::size_t row = 0; row < data_.selection_regimes.size(); ++row) {
    const auto point = static_cast<std::size_t>(data_.selection.number_of(static_cast<std::int64_t>(row)) / 120);
    EXPECT_EQ(data_.selection_regimes[row] == regime::asynchronous, point == lower) << row;
  }
}

TEST_P(surrogate, a_saved_model_predicts_the_same_bits) {
  const auto path = directory_ / "model.h5";
  on_root(world_, [&] { save_model(path, model_); });
  const model loaded = load_model(path);
  EXPECT_EQ(loaded.space, model_.space);
  trajectory_settings settings;
  settings.duration_s = 0.5;
  auto first = start_chains(model_, middle(), 2, 1, 0);
  auto second = start_chains(loaded, middle(), 2, 1, 0);
  const auto a = run_closed_loop(surrogate_kernel(model_, 2), first, settings);
  const auto b = run_closed_loop(surrogate_kernel(loaded, 2), second, settings);
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].counts_E, b[i].counts_E);
    EXPECT_EQ(a[i].spikes_I, b[i].spikes_I);
  }
}

TEST_P(surrogate, states_that_nobody_trained_on_are_noticed) {
  const auto path = directory_ / "model.h5";
  on_root(world_, [&] { save_model(path, model_); });
  const model loaded = load_model(path);
  departure seen;
  const kernel step = watched(surrogate_kernel(loaded, 4), loaded, seen);
  auto chains = start_chains(loaded, middle(), 4, 1, 0);
  std::vector<chain_step> steps(chains.size());
  step(chains, steps);
  EXPECT_EQ(seen.states, 4);
  EXPECT_EQ(seen.beyond, 0) << "chains start from training states";
  EXPECT_LT(seen.farthest, 1);
  for (int n = 1; n <= departure_stride; ++n) {
    for (auto& c : chains) {
      // All neurons in one bin, as the network never is.
      const auto cells = static_cast<std::size_t>(loaded.space.layout.state.cells());
      std::fill(c.state.begin(), c.state.begin() + static_cast<std::ptrdiff_t>(2 * cells), 0);
      c.state[3] = 300;
      c.state[cells + 3] = 100;
    }
    step(chains, steps);
  }
  EXPECT_EQ(seen.states, 8);
  EXPECT_EQ(seen.beyond, 4);
  EXPECT_GT(seen.farthest, 2);
  EXPECT_EQ(seen.share_beyond(), 0.5);
}

TEST_P(surrogate, watching_a_kernel_changes_nothing_that_it_does) {
  departure seen;
  auto first = start_chains(model_, middle(), 2, 1, 0);
  auto second = start_chains(model_, middle(), 2, 1, 0);
  trajectory_settings settings;
  settings.duration_s = 0.5;
  const auto plain = run_closed_loop(surrogate_kernel(model_, 2), first, settings);
  const auto observed = run_closed_loop(watched(surrogate_kernel(model_, 2), model_, seen), second, settings);
  EXPECT_EQ(plain[0].counts_E, observed[0].counts_E);
  EXPECT_EQ(plain[1].spikes_I, observed[1].spikes_I);
  EXPECT_GT(seen.states, 2);
}

TEST_P(surrogate, foreign_and_truncated_models_are_refused) {
  const auto path = directory_ / "model.h5";
  const auto cut = directory_ / "cut.h5";
  on_root(world_, [&] {
    save_model(path, model_);
    std::filesystem::copy_file(path, cut);
    std::filesystem::resize_file(cut, std::filesystem::file_size(path) / 2);
  });
  EXPECT_THROW(load_model(sweep_file()), input_error);
  EXPECT_THROW(load_model(cut), input_error);
  EXPECT_THROW(load_model(directory_ / "absent.h5"), input_error);
}

TEST_P(surrogate, chains_start_from_states_of_their_own_population_sizes) {
  model m = model_;
  m.space.base.N_E = 150;
  const auto chains = start_chains(m, middle(), 4, 1, 0);
  for (const auto& c : chains) {
    EXPECT_EQ(population_size(m.space.layout.state, c.state, population::E), 150);
    EXPECT_EQ(population_size(m.space.layout.state, c.state, population::I), 100);
  }
}

INSTANTIATE_TEST_SUITE_P(Sections, surrogate,
                         ::testing::Values(section_kind::interval, section_kind::mfe, section_kind::volley),
                         testing::name_of_section);

}  // namespace
}  // namespace spikesweep
