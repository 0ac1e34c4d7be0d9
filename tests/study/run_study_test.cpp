#include <filesystem>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/parallel/rank_context.hpp>
#include <spikesweep/study/config.hpp>
#include <spikesweep/study/run_study.hpp>

#include "store/sweep_samples.hpp"

namespace spikesweep {

namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

using testing::scratch_directory;

configuration small_study(const std::string& epochs) {
  return parse_configuration({R"(
[network]
preset = "zhang2024"
[design]
points = 8
selection_points = 1
test_points = 1
[design.axes]
S_EE = {min = 3.8, max = 4.2}
[sweep]
transitions = 40
[learning]
hidden = 16
layers = 1
candidates = 1
shards = 4
selection_s = 0.2
tuning_s = 0.2
[validation]
duration_s = 1
chains = 1
)",
                              "study.toml"},
                             std::vector<std::string>{"learning.epochs=" + epochs});
}

TEST(run_study, refuses_a_model_that_another_training_puts_in_the_place_of_its_own) {
  const scratch_directory scratch;
  const rank_context job;
  const auto other = scratch / "other";
  const auto mine = scratch / "mine";
  run_study(job, small_study("2"), other, {}, "other", {});
  study_hooks hooks;
  hooks.trained = [&](const model&) {
    std::filesystem::copy_file(other / "model.h5", mine / "model.h5",
                               std::filesystem::copy_options::overwrite_existing);
  };
  std::string message;
  try {
    run_study(job, small_study("1"), mine, {}, "mine", hooks);
  } catch (const input_error& error) {
    message = error.what();
  }
  EXPECT_THAT(message, AllOf(HasSubstr("model.h5 was replaced while this run was at work"), HasSubstr("trains again")));
  EXPECT_FALSE(std::filesystem::exists(mine / "validation.h5"));
  EXPECT_NO_THROW(run_study(job, small_study("1"), mine, {}, "mine", {}));
  EXPECT_TRUE(std::filesystem::exists(mine / "validation.h5"));
}

}  // namespace

}  // namespace spikesweep
