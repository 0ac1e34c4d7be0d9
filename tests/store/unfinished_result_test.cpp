// What is finished of a result survives any end of the process, and is gone on from only if it is of the same contents.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <unistd.h>

#include <gtest/gtest.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/store/unfinished_result.hpp>

namespace spikesweep {
namespace {

const origin same{"a model", "replicates = 2\n"};

class unfinished : public ::testing::Test {
 protected:
  unfinished() { std::filesystem::create_directory(directory_); }
  ~unfinished() override { std::filesystem::remove_all(directory_); }

  std::filesystem::path output() const { return directory_ / "out.h5"; }
  std::filesystem::path file() const { return directory_ / "out.h5.unfinished"; }
  std::string bytes() const {
    std::ifstream stream(file(), std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
  void write(const std::string& text) const { std::ofstream(file(), std::ios::binary) << text; }
  void save_three() const {
    unfinished_result result(output(), same);
    result.add("point 0", "zero");
    result.add("point 1", std::string(100000, 'x'));
    result.add("other 2", "");
  }

  std::filesystem::path directory_ =
      std::filesystem::temp_directory_path() / ("spikesweep_unfinished_" + std::to_string(getpid()));
};

TEST_F(unfinished, makes_no_file_before_the_first_part_and_leaves_none_when_it_is_complete) {
  unfinished_result result(output(), same);
  EXPECT_FALSE(std::filesystem::exists(file()));
  result.add("point 0", "zero");
  EXPECT_TRUE(std::filesystem::exists(file()));
  result.remove();
  EXPECT_FALSE(std::filesystem::exists(file()));
}

TEST_F(unfinished, parts_are_there_again) {
  save_three();
  unfinished_result again(output(), same);
  EXPECT_EQ(again.size(), 3U);
  EXPECT_EQ(again.read("point 0"), "zero");
  EXPECT_EQ(again.read("point 1"), std::string(100000, 'x'));
  EXPECT_EQ(again.read("other 2"), "");
  EXPECT_FALSE(again.has("point 2"));
  again.add("point 2", "two");
  EXPECT_EQ(again.read("point 2"), "two");
  EXPECT_EQ(unfinished_result(output(), same).size(), 4U);
}

TEST_F(unfinished, a_file_that_is_cut_anywhere_keeps_the_whole_parts_before) {
  save_three();
  const std::string whole = bytes();
  std::size_t most = 0;
  for (std::size_t length = 0; length <= whole.size(); length += length + 300 < whole.size() ? 97 : 1) {
    for (const auto& entry : std::filesystem::directory_iterator(directory_)) {
      std::filesystem::remove(entry.path());  // What was kept aside.
    }
    write(whole.substr(0, length));
    unfinished_result cut(output(), same);
    EXPECT_FALSE(std::filesystem::exists(file().string() + ".old-1")) << "it is of no other contents: " << length;
    EXPECT_GE(cut.size(), most) << length;
    most = cut.size();
    if (cut.has("point 0")) {
      EXPECT_EQ(cut.read("point 0"), "zero");
    }
    cut.add("new", "part");
    EXPECT_EQ(unfinished_result(output(), same).read("new"), "part") << length;
  }
  EXPECT_EQ(most, 3U);
}

TEST_F(unfinished, a_damaged_part_ends_what_is_trusted) {
  save_three();
  std::string damaged = bytes();
  damaged[damaged.size() / 2] ^= 1;  // In point 1.
  write(damaged);
  const unfinished_result again(output(), same);
  EXPECT_TRUE(again.has("point 0"));
  EXPECT_EQ(again.size(), 1U);
}

TEST_F(unfinished, wild_lengths_are_no_part) {
  save_three();
  const std::string whole = bytes();
  write(whole + std::string(16, '\xff') + "more");
  EXPECT_EQ(unfinished_result(output(), same).size(), 3U);
  EXPECT_EQ(bytes(), whole);
}

TEST_F(unfinished, parts_of_other_contents_or_settings_are_kept_aside) {
  save_three();
  const std::string before = bytes();
  EXPECT_EQ(unfinished_result(output(), {"another model", same.settings}).size(), 0U);
  EXPECT_FALSE(std::filesystem::exists(file()));
  const auto aside = [&](int n) { return file().string() + ".old-" + std::to_string(n); };
  EXPECT_EQ(std::filesystem::file_size(aside(1)), before.size());
  save_three();
  EXPECT_EQ(unfinished_result(output(), {same.from, "replicates = 3\n"}).size(), 0U);
  EXPECT_TRUE(std::filesystem::exists(aside(2)));
  write("something of the user's");
  EXPECT_EQ(unfinished_result(output(), same).size(), 0U);
  EXPECT_EQ(std::filesystem::file_size(aside(3)), 23U);
}

TEST_F(unfinished, lies_beside_the_real_output) {
  std::filesystem::create_directory(directory_ / "real");
  std::filesystem::create_symlink("real/file.h5", output());
  unfinished_result(output(), same).add("point 0", "zero");
  EXPECT_TRUE(std::filesystem::exists(directory_ / "real" / "file.h5.unfinished"));
}

TEST_F(unfinished, a_part_that_changes_meanwhile_is_an_error) {
  save_three();
  const unfinished_result again(output(), same);
  write("short");
  EXPECT_THROW(again.read("point 1"), environment_error);
}

}  // namespace
}  // namespace spikesweep
