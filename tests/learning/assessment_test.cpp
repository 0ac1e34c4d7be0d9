#include <cmath>
#include <fstream>
#include <string>

#include <gtest/gtest.h>

#include <spikesweep/learning/assessment.hpp>
#include <spikesweep/store/seal.hpp>

#include "store/sweep_samples.hpp"

namespace spikesweep {
namespace {

class assessment_in_a_file : public ::testing::Test {
 protected:
  assessment_in_a_file() {
    hdf5::file made = hdf5::file::create(path_);
    reserve_assessment(made);
    made.root().write_scalar("weight", 1.5, {"1", "of a model"});
    made.close();
  }

  std::optional<assessment> there() const { return read_assessment(hdf5::file::open(path_).root()); }

  testing::scratch_directory scratch_;
  std::filesystem::path path_ = scratch_ / "m.h5";
  assessment found_{"verdict: good for rate_E_hz", true, {{"rate_E_hz", 0.4, 1.1}, {"fano_E_1ms", 1.0 / 3, 9}}};
};

TEST_F(assessment_in_a_file, is_none_before_a_validation) {
  EXPECT_FALSE(there());
}

TEST_F(assessment_in_a_file, is_read_back_and_leaves_seal_and_digest_alone) {
  const std::string before = sealed_digest(path_);
  write_assessment(path_, found_);
  const auto read = there();  // Tests the seal.
  ASSERT_TRUE(read);
  EXPECT_EQ(read->words, found_.words);
  EXPECT_TRUE(read->to_be_used);
  ASSERT_NE(read->of("fano_E_1ms"), nullptr);
  EXPECT_EQ(read->of("fano_E_1ms")->median, 1.0 / 3);
  EXPECT_EQ(read->of("fano_E_1ms")->worst, 9);
  EXPECT_EQ(read->of("peak_hz"), nullptr);
  EXPECT_EQ(sealed_digest(path_), before);
  EXPECT_EQ(hdf5::file::open(path_).root().read_scalar<double>("weight"), 1.5);
}

TEST_F(assessment_in_a_file, takes_the_place_of_a_longer_one) {
  write_assessment(path_, found_);
  write_assessment(path_, {"short", false, {}});
  const auto read = there();
  ASSERT_TRUE(read);
  EXPECT_EQ(read->words, "short");
  EXPECT_FALSE(read->to_be_used);
  EXPECT_TRUE(read->errors.empty());
}

TEST_F(assessment_in_a_file, that_is_damaged_is_none) {
  write_assessment(path_, found_);
  const auto [first, length] = hdf5::file::open(path_).root().open_dataset("assessment").bytes();
  std::fstream file(path_, std::ios::binary | std::ios::in | std::ios::out);
  file.seekp(static_cast<std::streamoff>(first + 40));
  file.put('!');
  file.close();
  EXPECT_FALSE(there());
}

TEST_F(assessment_in_a_file, leaves_out_figures_that_this_version_does_not_know) {
  found_.errors.push_back({"figure_of_the_future", 1, 2});
  write_assessment(path_, found_);
  EXPECT_EQ(there()->errors.size(), 2U);
}

TEST(assessment_without_room, is_not_kept) {
  const testing::scratch_directory scratch;
  hdf5::file made = hdf5::file::create(scratch / "old.h5");
  made.root().write_scalar("weight", 1.5, {"1", "of a model"});
  made.close();
  EXPECT_NO_THROW(write_assessment(scratch / "old.h5", {}));
  EXPECT_FALSE(read_assessment(hdf5::file::open(scratch / "old.h5").root()));
}

}  // namespace
}  // namespace spikesweep
