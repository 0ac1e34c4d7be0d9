// One small sweep, trained for a moment, serves every test here: what is checked holds for any weights.
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <set>

#include <unistd.h>

#include <boost/mpi/collectives.hpp>
#include <boost/serialization/string.hpp>
#include <gtest/gtest.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/learning/trainer.hpp>
#include <spikesweep/store/hdf5.hpp>
#include <spikesweep/surrogate/baselines.hpp>
#include <spikesweep/surrogate/closed_loop_rates.hpp>
#include <spikesweep/surrogate/departure.hpp>
#include <spikesweep/surrogate/prediction.hpp>
#include <spikesweep/surrogate/selection.hpp>
#include <spikesweep/surrogate/tuning.hpp>
#include <spikesweep/surrogate/validation.hpp>
#include <spikesweep/sweep/communicate.hpp>
#include <spikesweep/sweep/design.hpp>
#include <spikesweep/sweep/sweep.hpp>

namespace spikesweep {
namespace {

namespace mpi = boost::mpi;

class Surrogate : public testing::TestWithParam<section_kind> {
 protected:
  void SetUp() override {
    std::string name = std::filesystem::temp_directory_path() / ("spikesweep_surrogate_" + std::to_string(getpid()));
    mpi::broadcast(world_, name, 0);
    directory_ = name;
    on_root(world_, [&] { std::filesystem::create_directories(directory_); });
    design_settings design;
    design.points = 12;
    design.selection_points = 2;
    design.test_points = 2;
    design.axes = {{"S_EE", {}, 3.6, 4.4, 0}, {"S_EI", {}, 2.0, 2.4, 0}};
    about_.section.kind = GetParam();
    about_.sampling.transitions = 120;
    about_.points = make_design(design, about_.base, 1);
    run_sweep(world_, sweep_file(), about_, {});
    file_.emplace(sweep_file());
    options_.settings.hidden = 48;
    options_.settings.layers = 2;
    options_.settings.components = 4;
    options_.settings.batch = 64;
    options_.settings.shards = 8;
    options_.settings.epochs = 12;
    options_.settings.candidates = 1;
    options_.settings.selection_s = 1;
    options_.settings.selection_chains = 2;
    data_ = load_training_data(world_, sweep_file(), options_.settings, model_);
    options_.score = closed_loop_selection(world_, data_.selection_points, options_.settings);
    prepare_networks(model_, options_.settings);
    train(world_, data_, options_, model_);
  }

  void TearDown() override {
    file_.reset();
    world_.barrier();
    if (world_.rank() == 0) {
      std::filesystem::remove_all(directory_);
    }
  }

  std::filesystem::path sweep_file() const { return directory_ / "sweep.h5"; }
  std::vector<double> middle() const { return {4.0, 2.2}; }

  mpi::communicator world_;
  std::filesystem::path directory_;
  sweep_description about_;
  std::optional<sweep_reader> file_;
  model model_;
  training_data data_;
  training_options options_;
};

TEST_P(Surrogate, ConservesNeuronsAndCountsEverySpike) {
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

TEST_P(Surrogate, IsTunedAndKeepsTheBetter) {
  const auto& points = data_.training_points;
  ASSERT_EQ(points.size(), 8U);
  auto enough = points;
  enough.insert(enough.end(), data_.selection_points.begin(), data_.selection_points.end());
  const tuning_record record = tune_rates(world_, enough, 4, model_);
  EXPECT_LE(record.after_E + record.after_I, record.before_E + record.before_I);
  EXPECT_EQ(model_.shift.empty(), record.after_E == record.before_E && record.after_I == record.before_I);
  // The shift is looked up for what is asked for, and changes nothing else.
  const auto chains = start_chains(model_, middle(), 1, 1, 0);
  EXPECT_EQ(chains[0].values, shifted(model_.space, model_.shift, middle()));
  EXPECT_EQ(chains[0].p, parameters_at(model_.space, middle()));
}

TEST_P(Surrogate, TooFewPointsLeaveAModelAsItIs) {
  const std::vector<measured_point> few(data_.training_points.begin(), data_.training_points.begin() + 4);
  tune_rates(world_, few, 1, model_);
  EXPECT_TRUE(model_.shift.empty());
}

TEST_P(Surrogate, AChainsBitsDependNeitherOnTheOthersNorOnTheirNumber) {
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

TEST_P(Surrogate, ManyPointsAreWhatEachIsAlone) {
  prediction_settings settings;
  settings.run.duration_s = 1.5;
  settings.run.burn_in_s = 0.2;
  settings.run.raster_s = 0.1;
  settings.replicates = 3;
  settings.keep_samples = true;
  std::vector<std::vector<double>> points;
  for (int i = 0; i < 5; ++i) {
    points.push_back({3.7 + 0.15 * i, 2.05 + 0.07 * i});
  }
  const auto all = predict_points(world_, model_, points, settings);
  if (world_.rank() != 0) {
    EXPECT_TRUE(all.empty());
    return;
  }
  ASSERT_EQ(all.size(), points.size());
  for (std::size_t i = 0; i < points.size(); ++i) {
    EXPECT_EQ(all[i].values, points[i]);
    auto chains = start_chains(model_, points[i], 3, model_.seed, 0);
    const auto runs = run_closed_loop(surrogate_kernel(model_, 3), chains, settings.run);
    const run_figures figures = figures_of(runs, chains[0].p, settings.run.bin_s, 1.0);
    EXPECT_EQ(all[i].figures.rate_E_hz, figures.rate_E_hz);
    EXPECT_EQ(all[i].figures.fano_E_1ms, figures.fano_E_1ms);
    EXPECT_EQ(all[i].figures.size_cv, figures.size_cv);
    EXPECT_EQ(all[i].power, rate_spectrum(runs, chains[0].p, settings.run.bin_s, 1.0).power);
    double mean = 0;
    double squares = 0;
    for (const auto& run : runs) {
      const double rate = figures_of(std::span(&run, 1), chains[0].p, settings.run.bin_s, 1.0).rate_E_hz;
      mean += rate / 3;
      squares += rate * rate;
    }
    EXPECT_NEAR(all[i].spread.rate_E_hz, std::sqrt((squares - 3 * mean * mean) / 2), 1e-6);
    EXPECT_EQ(all[i].raster.size(), runs.front().raster.size());
    EXPECT_EQ(all[i].sizes.size(), runs[0].sizes.size() + runs[1].sizes.size() + runs[2].sizes.size());
    EXPECT_EQ(all[i].intervals.size(), all[i].sizes.size());
    EXPECT_EQ(all[i].replicate.size(), all[i].sizes.size());
  }
  EXPECT_NE(all[0].figures.rate_E_hz, all[1].figures.rate_E_hz);
  save_prediction(directory_ / "prediction.h5", all, settings, model_, "model.h5");
  const hdf5::file file = hdf5::file::open(directory_ / "prediction.h5");
  EXPECT_EQ(file.root().read_array<double>("figures/rate_E_hz")[4], all[4].figures.rate_E_hz);
  EXPECT_EQ(file.root().has("return_map"), GetParam() != section_kind::interval);
  if (GetParam() == section_kind::interval) {
    return;
  }
  const auto size = file.root().read_array<double>("return_map/size");
  const auto next = file.root().read_array<double>("return_map/next_size");
  const auto interval = file.root().read_array<double>("return_map/interval");
  const auto replicate = file.root().read_array<std::int32_t>("return_map/replicate");
  ASSERT_EQ(size.size(), interval.size());
  ASSERT_GT(size.size(), 20U);
  EXPECT_EQ(size[0], all[0].sizes[0]);
  for (std::size_t k = 0; k + 1 < size.size(); ++k) {
    EXPECT_GT(interval[k], 0);
    if (replicate[k] == replicate[k + 1]) {
      ASSERT_EQ(next[k], size[k + 1]);
    }
  }
}

TEST_P(Surrogate, HybridRunsAtManyPointsAreWhatEachIsAlone) {
  if (GetParam() == section_kind::interval) {
    GTEST_SKIP() << "no phase is quiet";
  }
  prediction_settings settings;
  settings.run.duration_s = 0.5;
  settings.run.burn_in_s = 0.1;
  settings.replicates = 2;
  settings.hybrid = true;
  const auto all = predict_points(world_, model_, {{3.9, 2.2}, middle()}, settings);
  if (world_.rank() == 0) {
    const chain start = start_chains(model_, middle(), 2, model_.seed, 0)[0];
    const trajectory run = run_hybrid(model_, surrogate_kernel(model_, 1), start, settings.run);
    const chain other = start_chains(model_, middle(), 2, model_.seed, 0)[1];
    const trajectory second = run_hybrid(model_, surrogate_kernel(model_, 1), other, settings.run);
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(all[1].figures.rate_E_hz, static_cast<double>(run.spikes_E + second.spikes_E) / (300 * 2 * 0.5));
  }
}

TEST_P(Surrogate, HeldOutLossesAreGivenByPhaseAndRegime) {
  const epoch_record& last = model_.history.back();
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

TEST_P(Surrogate, ASavedModelPredictsTheSameBits) {
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

TEST_P(Surrogate, StatesThatNobodyTrainedOnAreNoticed) {
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

TEST_P(Surrogate, WatchingAKernelChangesNothingThatItDoes) {
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

TEST_P(Surrogate, ForeignAndTruncatedModelsAreRefused) {
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

TEST_P(Surrogate, HybridRunsAlternateWithTheExactNetwork) {
  trajectory_settings settings;
  settings.duration_s = 2;
  const chain start = start_chains(model_, middle(), 1, 1, 0)[0];
  const kernel step = surrogate_kernel(model_, 1);
  if (GetParam() == section_kind::interval) {
    EXPECT_THROW(run_hybrid(model_, step, start, settings), input_error);
    return;
  }
  const trajectory run = run_hybrid(model_, step, start, settings);
  EXPECT_GT(run.sizes.size(), 10U);
  // Weights after a moment of training: the order of magnitude is all one can ask for.
  EXPECT_GT(run.spikes_E, 300);
  EXPECT_LT(run.spikes_E, 300 * 2 * 60);
}

TEST_P(Surrogate, ValidationComparesEveryRunAtEveryPoint) {
  validation_settings settings;
  settings.duration_s = 1.5;
  settings.chains = 1;
  std::vector<validation_point> points;
  for (int i = 0; i < about_.points.size(); ++i) {
    if (about_.points.roles[static_cast<std::size_t>(i)] == point_role::test) {
      points.push_back({i, {about_.points.points(i, 0), about_.points.points(i, 1)}});
    }
  }
  const validation_result result = validate_model(world_, model_, points, settings, &*file_);
  if (world_.rank() != 0) {
    EXPECT_TRUE(result.points.empty());
    return;
  }
  ASSERT_EQ(result.points.size(), 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    const auto& point = result.points[i];
    EXPECT_EQ(point.point, points[i].point);
    ASSERT_EQ(point.runs.size(), GetParam() == section_kind::interval ? 6U : 7U);  // No hybrid without quiet phases.
    EXPECT_EQ(point.runs[0].run, "exact");
    EXPECT_EQ(point.runs[0].spectrum, 0);
    // Two exact runs of 1.5 s: their E rates differ by a few percent, so by less than 25 %.
    EXPECT_NEAR(point.runs[1].figures.rate_E_hz / point.runs[0].figures.rate_E_hz, 1, 0.25);
    EXPECT_NE(point.runs[1].figures.fano_E_1ms, point.runs[0].figures.fano_E_1ms);
    for (const auto& run : point.runs) {
      EXPECT_GT(run.figures.rate_I_hz, 0) << run.run;
    }
    EXPECT_EQ(point.runs[2].power.size(), result.frequency.size());
    for (const auto& run : point.runs) {
      EXPECT_GE(run.batches_E.batches.size(), 8U);
      EXPECT_NEAR(run.batches_E.mean(), run.figures.rate_E_hz, 1e-9) << run.run;
      EXPECT_NEAR(run.batches_I.mean(), run.figures.rate_I_hz, 1e-9) << run.run;
      EXPECT_EQ(run.outcome() == verdict::undefined, run.run == "exact");
    }
  }
  save_validation(directory_ / "validation.h5", result, model_, "model.h5");
  EXPECT_GT(std::filesystem::file_size(directory_ / "validation.h5"), 1000U);
}

TEST_P(Surrogate, CalibrationCoversTheTestPointsAndIsTheSameAtAnyRankCount) {
  const auto shared = calibrate(world_, model_, *file_, 1);
  const auto alone = calibrate(mpi::communicator(MPI_COMM_SELF, mpi::comm_duplicate), model_, *file_, 1);
  const bool steps_only = GetParam() == section_kind::interval;
  ASSERT_EQ(shared.size(), steps_only ? 10U : 22U) << "outputs of every kind of phase";
  ASSERT_EQ(alone.size(), shared.size());
  std::int64_t rows = 0;
  for (std::size_t i = 0; i < shared.size(); ++i) {
    EXPECT_EQ(shared[i].output, alone[i].output);
    EXPECT_EQ(shared[i].tally.histogram, alone[i].tally.histogram) << shared[i].output;
    EXPECT_EQ(shared[i].tally.sum, alone[i].tally.sum) << shared[i].output;
    rows += shared[i].output == "spikes_E" ? shared[i].tally.rows : 0;
  }
  EXPECT_GT(rows, 100);
  EXPECT_LT(rows, 2 * 120) << "perturbed rows are left out";
}

TEST_P(Surrogate, ChainsStartFromStatesOfTheirOwnPopulationSizes) {
  model m = model_;
  m.space.base.N_E = 150;
  const auto chains = start_chains(m, middle(), 4, 1, 0);
  for (const auto& c : chains) {
    EXPECT_EQ(population_size(m.space.layout.state, c.state, population::E), 150);
    EXPECT_EQ(population_size(m.space.layout.state, c.state, population::I), 100);
  }
}

INSTANTIATE_TEST_SUITE_P(Sections, Surrogate,
                         testing::Values(section_kind::interval, section_kind::mfe, section_kind::volley),
                         [](const auto& set) { return std::string(name_of(set.param)); });

}  // namespace
}  // namespace spikesweep
