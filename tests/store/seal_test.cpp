#include <fstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <spikesweep/store/hdf5.hpp>
#include <spikesweep/store/seal.hpp>

#include "store/compare_files.hpp"
#include "store/sweep_samples.hpp"

namespace spikesweep {
namespace {

using ::testing::AllOf;
using testing::error_of;
using ::testing::HasSubstr;
using testing::scratch_directory;

std::string contents_of(const std::filesystem::path& path) {
  const std::vector<char> bytes = testing::bytes_of(path);
  return {bytes.begin(), bytes.end()};
}

void write_bytes(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

/// A file with ten numbers that are sealed, and ten that are not, which are at `unsealed`.
std::pair<std::uint64_t, std::uint64_t> make_file(const std::filesystem::path& path) {
  hdf5::file file = hdf5::file::create_large(path);
  file.root().write_array("fixed", std::vector<double>(10, 1.5), {"1", "numbers"});
  hdf5::dataset changing = file.root().write_array("changing", std::vector<double>(10, 2.5), {"1", "numbers"});
  file.leave_unsealed(changing);
  const auto unsealed = changing.bytes();
  changing = {{}, {}};
  file.close();
  return unsealed;
}

TEST(seal, finds_every_changed_byte_but_those_that_may_change) {
  const scratch_directory scratch;
  const auto path = scratch / "f.h5";
  const auto [first, length] = make_file(path);
  const std::string sound = contents_of(path);
  ASSERT_GT(first, seal_size);
  ASSERT_EQ(length, 80U);
  EXPECT_NO_THROW(check_seal(path));
  std::size_t refused = 0;
  for (std::size_t at = 0; at < sound.size(); ++at) {
    std::string bytes = sound;
    bytes[at] = static_cast<char>(bytes[at] ^ 1);
    write_bytes(path, bytes);
    const bool may_change = at >= first && at < first + length;
    try {
      check_seal(path);
      EXPECT_TRUE(may_change) << at;
    } catch (const input_error& error) {
      EXPECT_FALSE(may_change) << at;
      EXPECT_THAT(error.what(), AllOf(HasSubstr("f.h5 is damaged"), HasSubstr("restore it")));
      ++refused;
    }
  }
  EXPECT_EQ(refused, sound.size() - length);
}

TEST(seal, finds_a_file_that_is_longer_or_shorter) {
  const scratch_directory scratch;
  const auto path = scratch / "f.h5";
  make_file(path);
  const std::string sound = contents_of(path);
  for (const std::size_t bytes : {seal_size + 8, seal_size + 100, sound.size() - 1}) {
    write_bytes(path, sound.substr(0, bytes));
    EXPECT_THAT(error_of<input_error>([&] { hdf5::file::open(path); }),
                AllOf(HasSubstr("damaged"), HasSubstr("made with " + std::to_string(sound.size()))));
  }
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{20}, seal_size}) {
    write_bytes(path, sound.substr(0, bytes));
    EXPECT_THROW(hdf5::file::open(path), input_error) << "what is left is no file of HDF5";
  }
  write_bytes(path, sound + 'x');
  EXPECT_THROW(hdf5::file::open(path), input_error);
}

TEST(seal, is_checked_before_hdf5_reads_and_not_where_there_is_none) {
  const scratch_directory scratch;
  const auto path = scratch / "f.h5";
  make_file(path);
  const std::string sound = contents_of(path);
  EXPECT_NO_THROW(hdf5::file::open(path));
  std::string bytes = sound;
  bytes[seal_size + 40] = static_cast<char>(bytes[seal_size + 40] ^ 0x10);  // Inside the superblock.
  write_bytes(path, bytes);
  EXPECT_THAT(error_of<input_error>([&] { hdf5::file::open(path); }), HasSubstr("checksum does not hold"));
  const std::filesystem::path old = std::filesystem::path(SPIKESWEEP_SOURCE_DIR) / "tests/fixtures/0.1.0/model.h5";
  EXPECT_NO_THROW(check_seal(old));
}

TEST(seal, with_impossible_ranges_is_refused) {
  const scratch_directory scratch;
  const auto path = scratch / "f.h5";
  make_file(path);
  const std::string sound = contents_of(path);
  const std::size_t at = sound.find("changing ");
  for (const char* ranges :
       {"changing 1 2\n", "changing 5000 99999999999999999999\n", "changing 18446744073709551615 2\n",
        "changing -1 -1\n", "changing 5000\n", "elsewhere 1 2\n", "changing a b\n"}) {
    std::string bytes = sound;
    bytes.replace(at, std::string(ranges).size(), ranges);
    write_bytes(path, bytes);
    EXPECT_THAT(error_of<input_error>([&] { check_seal(path); }), HasSubstr("damaged")) << ranges;
  }
}

}  // namespace
}  // namespace spikesweep
