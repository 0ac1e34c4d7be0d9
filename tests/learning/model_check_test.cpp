#include <cmath>
#include <filesystem>
#include <limits>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/learning/training_data.hpp>
#include <spikesweep/parallel/communicator.hpp>
#include <spikesweep/store/hdf5.hpp>
#include <spikesweep/store/sweep_file.hpp>
#include <spikesweep/sweep/sweep.hpp>

#include "store/sweep_samples.hpp"

namespace spikesweep {
namespace {

using ::testing::AllOf;
using testing::error_of;
using ::testing::HasSubstr;
using testing::scratch_directory;

/// A number of a model file that closed loops could not calculate with.
struct damage {
  std::string name;
  std::string path;
  double value;
};

class damaged_model : public ::testing::TestWithParam<damage> {};

TEST_P(damaged_model, is_refused_with_the_place) {
  const scratch_directory scratch;
  const std::filesystem::path path = scratch / "m.h5";
  std::filesystem::copy_file(std::filesystem::path(SPIKESWEEP_SOURCE_DIR) / "tests/fixtures/0.1.0/model.h5", path);
  EXPECT_NO_THROW(load_model(path));
  {
    hdf5::file file = hdf5::file::open_parallel(path, self());
    hdf5::dataset target = file.root().open_dataset(GetParam().path);
    auto numbers = target.read<double>();
    numbers.front() = GetParam().value;
    target.write_all(hdf5::memory_type<double>(), numbers.data());
  }
  EXPECT_THAT(error_of<input_error>([&] { load_model(path); }),
              AllOf(HasSubstr("m.h5"), HasSubstr('/' + GetParam().path.substr(0, GetParam().path.find('/'))),
                    HasSubstr("damaged")));
}

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

INSTANTIATE_TEST_SUITE_P(
    Numbers, damaged_model,
    ::testing::Values(damage{"weight", "counts_network/layer_0/weights", not_a_number},
                      damage{"bias", "profile_network/layer_1/biases", std::numeric_limits<double>::infinity()},
                      damage{"mean", "features/mean", not_a_number}, damage{"deviation", "targets/deviation", 0},
                      damage{"bound", "targets/lowest", 1e9},
                      damage{"variance", "dispersion/step/variance", not_a_number},
                      damage{"cloud", "cloud/step/mean", not_a_number}, damage{"phase", "starts/phase", 3},
                      damage{"phase_of_another_section", "starts/phase", 1}, damage{"count", "starts/state", -1},
                      damage{"population", "starts/state", 1e9}, damage{"axis", "axes/minimum", not_a_number},
                      damage{"parameter", "network/S_EE", 1e9}, damage{"no_component", "targets/components", 0},
                      damage{"components", "targets/components", 2e9},
                      damage{"variance_below_0", "dispersion/step/variance", -1},
                      damage{"layer", "counts_network/sizes", 2e9}, damage{"interval", "section/interval_ms", 0},
                      damage{"bins", "layout/bin_width", 0}),
    [](const auto& set) { return set.param.name; });

TEST(training_data, without_one_kind_of_phase_are_refused) {
  const scratch_directory scratch;
  sweep_description d;
  d.section.kind = section_kind::mfe;
  d.sampling.transitions = 1;
  d.points.axes = {"S_EE"};
  d.points.points.resize(3, 1);
  d.points.points << 3.9, 4.0, 4.1;
  d.points.roles.assign(3, point_role::train);
  run_sweep(self(), scratch / "s.h5", d, {});
  learning_settings settings;
  settings.shards = 2;
  model m;
  EXPECT_THAT(error_of<input_error>([&] { load_training_data(self(), scratch / "s.h5", settings, m); }),
              AllOf(HasSubstr("no quiet phase"), HasSubstr("sweep.transitions")));
}

}  // namespace
}  // namespace spikesweep
