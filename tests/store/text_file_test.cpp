#include <chrono>
#include <fstream>
#include <string>
#include <thread>

#include <sys/stat.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/store/text_file.hpp>

#include "store/sweep_samples.hpp"

namespace spikesweep {
namespace {

using testing::error_of;
using ::testing::HasSubstr;
using testing::scratch_directory;

constexpr std::size_t enough = 1 << 20;

std::filesystem::path make_pipe(const std::filesystem::path& path) {
  EXPECT_EQ(::mkfifo(path.c_str(), 0600), 0);
  return path;
}

TEST(text_file, that_is_a_pipe_counts_as_none) {
  const scratch_directory scratch;
  EXPECT_EQ(find_text(make_pipe(scratch / "pipe")), std::nullopt);
}

TEST(input, may_come_through_a_pipe) {
  const scratch_directory scratch;
  const auto pipe = make_pipe(scratch / "pipe");
  const std::string text(300'000, 'x');  // More than a pipe holds.
  std::thread writer([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    std::ofstream(pipe) << text;
  });
  EXPECT_EQ(read_input(pipe, "points file", enough), text);
  writer.join();
}

TEST(input, through_a_pipe_is_not_waited_for_without_end) {
  const scratch_directory scratch;
  const auto pipe = make_pipe(scratch / "pipe");
  EXPECT_THAT(error_of<input_error>([&] { read_input(pipe, "config", enough, std::chrono::milliseconds(100)); }),
              HasSubstr("pipe' cannot be read: nothing came through this pipe for 0.1 s"));
}

TEST(input, has_a_largest_size) {
  const scratch_directory scratch;
  std::ofstream(scratch / "f") << "abc";
  EXPECT_EQ(read_input(scratch / "f", "config", 3), "abc");
  EXPECT_EQ(read_input(scratch / "f", "config", 2), std::nullopt);
}

TEST(input, is_a_file_or_a_pipe) {
  const scratch_directory scratch;
  EXPECT_THAT(error_of<input_error>([&] { read_input(scratch / "none", "config", enough); }),
              HasSubstr("none' does not exist"));
  EXPECT_THAT(error_of<input_error>([&] { read_input("/dev/zero", "config", enough); }),
              HasSubstr("config '/dev/zero' is not a file"));
}

}  // namespace
}  // namespace spikesweep
