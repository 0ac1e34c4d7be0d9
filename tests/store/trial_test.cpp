#include <csignal>
#include <fstream>
#include <iterator>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/parallel/interrupt.hpp>
#include <spikesweep/store/hdf5.hpp>
#include <spikesweep/store/seal.hpp>
#include <spikesweep/store/trial.hpp>

#include "store/sweep_samples.hpp"

namespace spikesweep {
namespace {

using ::testing::AllOf;
using testing::error_of;
using ::testing::HasSubstr;
using testing::scratch_directory;

std::string contents_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class trial : public ::testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::copy_file(std::filesystem::path(SPIKESWEEP_SOURCE_DIR) / "tests/fixtures/0.1.0/sweep.h5", path_);
    try_files_with({SPIKESWEEP_BINARY, "try-file"});
  }
  void TearDown() override { try_files_with({}); }

  void replace(std::size_t at, const std::string& bytes) const {
    std::string all = contents_of(path_);
    ASSERT_LE(at + bytes.size(), all.size());
    all.replace(at, bytes.size(), bytes);
    std::ofstream(path_, std::ios::binary) << all;
  }

  /// The heap that holds strings of variable length: its length of an object, 0, is where HDF5 looks for the next one.
  void make_endless() const {
    const std::size_t heap = contents_of(path_).find("GCOL");
    ASSERT_NE(heap, std::string::npos);
    replace(heap + 16, std::string(16, '\0'));
  }

  scratch_directory scratch_;
  std::filesystem::path path_ = scratch_ / "s.h5";
};

TEST_F(trial, lets_a_sound_file_pass) {
  EXPECT_NO_THROW(try_file(path_));
  EXPECT_NO_THROW(hdf5::file::open(path_));
}

TEST_F(trial, leaves_to_hdf5_what_hdf5_can_refuse) {
  replace(0, "no HDF5 file");
  EXPECT_NO_THROW(try_file(path_));
  EXPECT_THAT(error_of<input_error>([&] { hdf5::file::open(path_); }), HasSubstr("cannot open"));
}

TEST_F(trial, finds_a_file_that_hdf5_reads_without_end) {
  make_endless();
  try_files_with({SPIKESWEEP_BINARY, "try-file"}, 1);
  EXPECT_THAT(error_of<input_error>([&] { hdf5::file::open(path_); }),
              AllOf(HasSubstr("s.h5 is damaged"), HasSubstr("HDF5 is not through with it")));
}

TEST_F(trial, ends_after_a_signal) {
  make_endless();
  constexpr double an_hour = 3600;
  try_files_with({SPIKESWEEP_BINARY, "try-file"}, an_hour);
  const interrupt_guard guard;
  std::raise(SIGTERM);
  EXPECT_THAT(error_of<interrupted_error>([&] { hdf5::file::open(path_); }), HasSubstr("interrupted while HDF5"));
}

TEST_F(trial, of_a_sound_file_goes_on_after_a_signal) {
  const interrupt_guard guard;
  std::raise(SIGTERM);
  EXPECT_NO_THROW(hdf5::file::open(path_));
}

TEST_F(trial, finds_a_file_that_ends_the_process) {
  try_files_with({"/bin/false"});
  EXPECT_THAT(error_of<input_error>([&] { hdf5::file::open(path_); }),
              AllOf(HasSubstr("s.h5 is damaged"), HasSubstr("its process ended with code 1")));
}

TEST_F(trial, is_made_again_when_the_file_has_changed) {
  try_file(path_);
  try_files_with({"/bin/false"});
  EXPECT_NO_THROW(try_file(path_));
  replace(0, "changed");
  EXPECT_THROW(try_file(path_), input_error);
}

}  // namespace
}  // namespace spikesweep
