#pragma once

#include <filesystem>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>

#include <boost/mpi/collectives.hpp>
#include <boost/serialization/string.hpp>
#include <gtest/gtest.h>

#include <spikesweep/learning/trainer.hpp>
#include <spikesweep/parallel/collective.hpp>
#include <spikesweep/store/sweep_file.hpp>
#include <spikesweep/surrogate/prediction.hpp>
#include <spikesweep/surrogate/selection.hpp>
#include <spikesweep/sweep/design.hpp>
#include <spikesweep/sweep/sweep.hpp>

namespace spikesweep::testing {

/// A small sweep by each kind of section, and a model trained on it for a moment: what is checked holds for any
/// weights.
class small_surrogate : public ::testing::TestWithParam<section_kind> {
 protected:
  void SetUp() override {
    std::string name = std::filesystem::temp_directory_path() / ("spikesweep_surrogate_" + std::to_string(getpid()));
    boost::mpi::broadcast(world_, name, 0);
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

  /// The predictions at all points, on rank 0.
  std::vector<point_prediction> predicted(const predictor& law, const std::vector<std::vector<double>>& points,
                                          const prediction_settings& settings) const {
    std::vector<std::size_t> all(points.size());
    std::iota(all.begin(), all.end(), std::size_t{0});
    std::vector<point_prediction> found(world_.rank() == 0 ? points.size() : 0);
    predict_points(world_, law, points, all, settings,
                   [&](std::size_t point, point_prediction&& prediction) { found.at(point) = std::move(prediction); });
    return found;
  }

  boost::mpi::communicator world_;
  std::filesystem::path directory_;
  sweep_description about_;
  std::optional<sweep_reader> file_;
  model model_;
  training_data data_;
  training_options options_;
};

inline std::string name_of_section(const ::testing::TestParamInfo<section_kind>& set) {
  return std::string(name_of(set.param));
}

}  // namespace spikesweep::testing
