// Surrogates at many points, and hybrid with the exact network.
#include <cmath>
#include <optional>
#include <span>

#include <spikesweep/base/error.hpp>
#include <spikesweep/store/hdf5.hpp>
#include <spikesweep/surrogate/closed_loop.hpp>
#include <spikesweep/surrogate/prediction.hpp>

#include "small_surrogate.hpp"

namespace spikesweep {
namespace {

class prediction : public testing::small_surrogate {};

TEST_P(prediction, many_points_are_what_each_is_alone) {
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
  const auto all = predicted(predictor(model_), points, settings);
  if (world_.rank() != 0) {
    EXPECT_TRUE(all.empty());
    return;
  }
  ASSERT_EQ(all.size(), points.size());
  for (std::size_t i = 0; i < points.size(); ++i) {
    EXPECT_EQ(all[i].values, points[i]);
    auto chains = start_chains(model_, points[i], 3, model_.surrogate().seed, 0);
    const auto runs = run_closed_loop(surrogate_kernel(model_, 3), chains, settings.run);
    const run_figures figures = figures_of(kept_runs(runs, chains[0].p));
    EXPECT_EQ(all[i].figures.rate_E(), figures.rate_E());
    EXPECT_EQ(all[i].figures["fano_E_1ms"], figures["fano_E_1ms"]);
    EXPECT_EQ(all[i].figures["size_cv"], figures["size_cv"]);
    EXPECT_EQ(all[i].figures["lag_I_ms"], figures["lag_I_ms"]);
    EXPECT_GT(all[i].errors.rate_E(), 0);
    EXPECT_EQ(all[i].power, kept_runs(runs, chains[0].p).power().power);
    double mean = 0;
    double squares = 0;
    for (const auto& run : runs) {
      const double rate = figures_of(run, chains[0].p).rate_E();
      mean += rate / 3;
      squares += rate * rate;
    }
    EXPECT_NEAR(all[i].spread.rate_E(), std::sqrt((squares - 3 * mean * mean) / 2), 1e-6);
    EXPECT_EQ(all[i].raster.size(), runs.front().raster.size());
    EXPECT_EQ(all[i].sizes.size(), runs[0].sizes.size() + runs[1].sizes.size() + runs[2].sizes.size());
    EXPECT_EQ(all[i].intervals.size(), all[i].sizes.size());
    EXPECT_EQ(all[i].replicate.size(), all[i].sizes.size());
  }
  EXPECT_NE(all[0].figures.rate_E(), all[1].figures.rate_E());
  auto without_samples = all;
  for (point_prediction& point : without_samples) {
    point.drop_samples();
    EXPECT_EQ(point.sizes.capacity() + point.raster.capacity() + point.power.capacity(), 0U) << "memory is given back";
  }
  save_prediction(
      directory_ / "prediction.h5", without_samples, [&all](std::size_t i) { return all[i]; }, settings, model_,
      "model.h5");
  const hdf5::file file = hdf5::file::open(directory_ / "prediction.h5");
  EXPECT_EQ(file.root().read_array<double>("figures/rate_E_hz")[4], all[4].figures.rate_E());
  EXPECT_EQ(file.root().read_array<double>("standard_errors/rate_E_hz")[4], all[4].errors.rate_E());
  EXPECT_EQ(file.root().read_array<std::uint8_t>("peak_doubt/fault").size(), points.size());
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

INSTANTIATE_TEST_SUITE_P(Sections, prediction,
                         ::testing::Values(section_kind::interval, section_kind::mfe, section_kind::volley),
                         testing::name_of_section);

class unfinished_prediction : public testing::small_surrogate {};

TEST_P(unfinished_prediction, has_the_wanted_points_and_gives_them_back_whole) {
  prediction_settings settings;
  settings.run.duration_s = 0.5;
  settings.run.raster_s = 0.1;
  settings.replicates = 2;
  settings.keep_samples = true;
  const std::vector<std::vector<double>> points{{3.7, 2.1}, middle(), {4.2, 2.3}, {3.9, 2.2}};
  const auto all = predicted(predictor(model_), points, settings);
  std::optional<unfinished_result> saved;
  if (world_.rank() == 0) {
    saved.emplace(directory_ / "p.h5", origin{"a model", "settings"});
  }
  std::vector<std::size_t> came;
  predict_points(world_, predictor(model_), points, {3, 1}, settings, [&](std::size_t i, point_prediction&& found) {
    came.push_back(i);
    add_prediction(*saved, i, found);
  });
  if (world_.rank() != 0) {
    EXPECT_TRUE(came.empty());
    return;
  }
  EXPECT_EQ(came, (std::vector<std::size_t>{3, 1}));
  saved.emplace(directory_ / "p.h5", origin{"a model", "settings"});
  for (const std::size_t i : {1, 3}) {
    const point_prediction found = read_prediction(*saved, i);
    EXPECT_EQ(found.values, points[i]);
    EXPECT_EQ(found.figures.rate_E(), all[i].figures.rate_E());
    EXPECT_EQ(found.power, all[i].power);
    EXPECT_EQ(found.sizes, all[i].sizes);
    EXPECT_EQ(found.replicate, all[i].replicate);
    EXPECT_EQ(found.seen.farthest, all[i].seen.farthest);
    ASSERT_EQ(found.raster.size(), all[i].raster.size());
    EXPECT_EQ(found.raster.back().time, all[i].raster.back().time);
    EXPECT_EQ(found.raster.back().neuron, all[i].raster.back().neuron);
  }
  EXPECT_FALSE(find_prediction(*saved, 0, model_, settings).has_value());
}

INSTANTIATE_TEST_SUITE_P(Sections, unfinished_prediction, ::testing::Values(section_kind::mfe),
                         testing::name_of_section);

class hybrid : public testing::small_surrogate {};

TEST_P(hybrid, runs_alternate_with_the_exact_network) {
  trajectory_settings settings;
  settings.duration_s = 2;
  const chain start = start_chains(model_, middle(), 1, 1, 0)[0];
  const kernel step = surrogate_kernel(model_, 1);
  const trajectory run = run_hybrid(model_, step, start, settings);
  EXPECT_GT(run.sizes.size(), 10U);
  // Weights after a moment of training: the order of magnitude is all one can ask for.
  EXPECT_GT(run.spikes_E, 300);
  EXPECT_LT(run.spikes_E, 300 * 2 * 60);
  int looks = 0;
  settings.duration_s = 1e5;
  settings.bin_s = 1;
  EXPECT_THROW(run_hybrid(model_, step, start, settings, [&looks] { return ++looks > 20; }), interrupted_error);
  EXPECT_EQ(looks, 21) << "and end when they are asked to";
}

TEST_P(hybrid, runs_at_many_points_are_what_each_is_alone) {
  prediction_settings settings;
  settings.run.duration_s = 0.5;
  settings.run.burn_in_s = 0.1;
  settings.replicates = 2;
  settings.hybrid = true;
  const auto all = predicted(predictor(model_), {{3.9, 2.2}, middle()}, settings);
  if (world_.rank() == 0) {
    const chain start = start_chains(model_, middle(), 2, model_.surrogate().seed, 0)[0];
    const trajectory run = run_hybrid(model_, surrogate_kernel(model_, 1), start, settings.run);
    const chain other = start_chains(model_, middle(), 2, model_.surrogate().seed, 0)[1];
    const trajectory second = run_hybrid(model_, surrogate_kernel(model_, 1), other, settings.run);
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(all[1].figures.rate_E(), static_cast<double>(run.spikes_E + second.spikes_E) / (300 * 2 * 0.5));
  }
}

INSTANTIATE_TEST_SUITE_P(Sections, hybrid, ::testing::Values(section_kind::mfe, section_kind::volley),
                         testing::name_of_section);

class without_quiet_phases : public testing::small_surrogate {};

TEST_P(without_quiet_phases, hybrid_runs_are_refused) {
  const chain start = start_chains(model_, middle(), 1, 1, 0)[0];
  EXPECT_THROW(run_hybrid(model_, surrogate_kernel(model_, 1), start, {}), input_error);
}

INSTANTIATE_TEST_SUITE_P(Sections, without_quiet_phases, ::testing::Values(section_kind::interval),
                         testing::name_of_section);

}  // namespace
}  // namespace spikesweep
