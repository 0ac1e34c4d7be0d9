// Tasks in mid-work beside a sweep file: what is written is read back, or counts as lost.
#include <fstream>
#include <string>
#include <vector>

#include <sys/stat.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/network/simulators.hpp>
#include <spikesweep/store/unfinished.hpp>

#include "store/compare_files.hpp"
#include "store/sweep_samples.hpp"

namespace spikesweep {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::scratch_directory;
using ::testing::SizeIs;

class unfinished : public ::testing::Test {
 protected:
  static void append(rows_file& to, std::string_view rows) {
    const auto bytes = std::as_bytes(std::span(rows));
    const std::vector<std::span<const std::byte>> parts{bytes.first(1), bytes.subspan(1)};
    to.append(parts);
  }
  /// Two tasks, the rows of the first one in two parts.
  void write() const {
    rows_file rows(directory, "a", 0);
    append(rows, "first");
    append(rows, "second");
    std::vector<saved_task> tasks(2);
    tasks[0].task = "a";
    tasks[0].attempts = 3;
    tasks[0].core_s = 1.5;
    tasks[0].share_done = 0.25;
    tasks[0].events = 7;
    tasks[0].rows_bytes = rows.bytes();
    tasks[1].task = "b";
    write_unfinished(directory, "1-0", tasks, std::vector<std::string>{"state of a", std::string("\0b\n", 3)});
  }
  std::shared_ptr<const kept_progress> progress(const std::string& task) const {
    for (const saved_task& saved : find_unfinished(directory)) {
      if (saved.task == task) {
        return read_progress(directory, saved);
      }
    }
    return nullptr;
  }
  static std::string rows_of(const std::shared_ptr<const kept_progress>& progress) {
    std::string all;
    progress->rows([&all](const std::string& rows) { all += rows; });
    return all;
  }
  static void change_byte(const std::filesystem::path& file, std::streamoff at) {
    std::fstream stream(file, std::ios::binary | std::ios::in | std::ios::out);
    stream.seekg(at);
    const int byte = stream.get();
    stream.seekp(at);
    stream.put(static_cast<char>(byte ^ 1));
  }

  scratch_directory scratch;
  std::filesystem::path directory = scratch / "s.h5.unfinished";
};

TEST_F(unfinished, tasks_are_read_as_they_were_written) {
  EXPECT_THAT(find_unfinished(directory), IsEmpty());
  write();
  const auto found = find_unfinished(directory);
  ASSERT_THAT(found, SizeIs(2));
  EXPECT_EQ(found[0].task, "a");
  EXPECT_EQ(found[0].attempts, 3);
  EXPECT_EQ(found[0].core_s, 1.5);
  EXPECT_EQ(found[0].share_done, 0.25);
  EXPECT_EQ(found[0].events, 7);
  EXPECT_EQ(found[0].file, "1-0");
  ASSERT_NE(progress("a"), nullptr);
  EXPECT_EQ(progress("a")->state, "state of a");
  EXPECT_EQ(rows_of(progress("a")), "firstsecond");
  EXPECT_EQ(progress("b")->state, std::string("\0b\n", 3));
  EXPECT_EQ(rows_of(progress("b")), "");
}

TEST_F(unfinished, rows_go_on_from_where_the_state_was_saved) {
  write();
  rows_file beyond(directory, "a", find_unfinished(directory)[0].rows_bytes);
  append(beyond, "never saved");
  EXPECT_EQ(rows_of(progress("a")), "firstsecond");
  rows_file again(directory, "a", find_unfinished(directory)[0].rows_bytes);
  append(again, "third");
  std::vector<saved_task> tasks(1);
  tasks[0].task = "a";
  tasks[0].rows_bytes = again.bytes();
  write_unfinished(directory, "1-0", tasks, std::vector<std::string>{"later"});
  EXPECT_EQ(rows_of(progress("a")), "firstsecondthird");
  again.remove();
  EXPECT_EQ(progress("a"), nullptr);
}

TEST_F(unfinished, damage_of_any_byte_loses_a_task_and_never_changes_it) {
  write();
  for (const char* name : {"1-0", "a.rows"}) {
    const std::filesystem::path file = directory / name;
    for (std::streamoff at = 0; at < static_cast<std::streamoff>(std::filesystem::file_size(file)); ++at) {
      change_byte(file, at);
      const auto now = progress("a");
      if (now != nullptr) {  // The byte was of task b.
        EXPECT_EQ(now->state, "state of a") << name << " at " << at;
        EXPECT_EQ(rows_of(now), "firstsecond") << name << " at " << at;
      }
      change_byte(file, at);
    }
  }
  change_byte(directory / "a.rows", 60);
  EXPECT_EQ(progress("a"), nullptr);
  EXPECT_NE(progress("b"), nullptr);
}

// More than is checked at once.
TEST_F(unfinished, damage_anywhere_in_many_rows_is_found) {
  write();
  rows_file beyond(directory, "a", find_unfinished(directory)[0].rows_bytes);
  const std::string many(1'000'000, 'r');
  append(beyond, many);
  std::vector<saved_task> tasks(1);
  tasks[0].task = "a";
  tasks[0].rows_bytes = beyond.bytes();
  write_unfinished(directory, "1-0", tasks, std::vector<std::string>{"later"});
  ASSERT_NE(progress("a"), nullptr);
  EXPECT_EQ(rows_of(progress("a")), "firstsecond" + many);
  for (const std::streamoff at : {200, 300'000, 600'000, 1'000'000}) {
    change_byte(directory / "a.rows", at);
    EXPECT_EQ(progress("a"), nullptr) << at;
    change_byte(directory / "a.rows", at);
  }
}

TEST_F(unfinished, rows_that_are_damaged_after_their_task_went_on_are_an_error) {
  write();
  const auto now = progress("a");
  const auto refusal = [&]() -> std::string {
    try {
      rows_of(now);
    } catch (const environment_error& error) {
      return error.what();
    }
    return "none";
  };
  change_byte(directory / "a.rows", 60);
  EXPECT_THAT(refusal(), AllOf(HasSubstr("a.rows changed while"), HasSubstr("start the same command again")));
  std::filesystem::remove(directory / "a.rows");
  EXPECT_THAT(refusal(), AllOf(HasSubstr("cannot open"), HasSubstr("start the same command again")));
}

TEST_F(unfinished, a_truncated_file_loses_its_tasks) {
  write();
  std::filesystem::resize_file(directory / "a.rows", 20);
  EXPECT_EQ(progress("a"), nullptr);
  std::filesystem::resize_file(directory / "1-0", 50);
  EXPECT_THAT(find_unfinished(directory), IsEmpty());
}

TEST_F(unfinished, rows_of_another_task_are_not_taken) {
  write();
  rows_file other(directory, "b", 0);
  append(other, "First");
  append(other, "Second");
  std::filesystem::copy_file(directory / "b.rows", directory / "a.rows",
                             std::filesystem::copy_options::overwrite_existing);
  EXPECT_EQ(progress("a"), nullptr);
}

TEST_F(unfinished, files_that_are_not_its_own_stay) {
  write();
  const std::string task(32, 'a');
  rows_file rows(directory, task, 0);
  append(rows, "rows");
  std::ofstream(directory / "thesis.tex") << "precious";
  std::filesystem::create_directory(directory / "9-9");
  std::ofstream(directory / "9-9" / "more") << "precious";
  const std::filesystem::path link = scratch / "link.unfinished";
  std::filesystem::create_directory_symlink(directory, link);
  remove_unfinished(link, {"1-0"});
  EXPECT_TRUE(std::filesystem::exists(directory / "1-0"));
  EXPECT_FALSE(std::filesystem::exists(directory / (task + ".rows")));
  remove_unfinished(link);
  EXPECT_FALSE(std::filesystem::exists(directory / "1-0"));
  EXPECT_TRUE(std::filesystem::exists(directory / "thesis.tex"));
  EXPECT_TRUE(std::filesystem::exists(directory / "9-9" / "more"));
  EXPECT_TRUE(std::filesystem::is_symlink(link));
}

TEST_F(unfinished, a_pipe_in_place_of_a_file_is_passed_over) {
  write();
  ASSERT_EQ(::mkfifo((directory / "2-0").c_str(), 0600), 0);
  EXPECT_THAT(find_unfinished(directory), SizeIs(2));
}

TEST_F(unfinished, a_save_that_was_cut_off_leaves_the_one_before_it) {
  write();
  const std::filesystem::path cut_off = directory / "1-0.partial";
  std::filesystem::copy_file(directory / "1-0", cut_off);
  std::filesystem::resize_file(cut_off, std::filesystem::file_size(cut_off) - 1);
  EXPECT_THAT(find_unfinished(directory), SizeIs(2));
  ASSERT_NE(progress("b"), nullptr);
}

TEST_F(unfinished, a_disk_that_cannot_be_written_is_an_error) {
  std::ofstream(directory) << "a file where the directory should be";
  EXPECT_THROW(rows_file(directory, "a", 0), environment_error);
  EXPECT_THROW(write_unfinished(directory, "1-0", std::vector<saved_task>(1), std::vector<std::string>{"x"}),
               environment_error);
}

TEST_F(unfinished, a_task_has_a_digest_of_all_that_decides_its_samples) {
  const sweep_description description = testing::small_sweep(4, 2);
  const std::string digest = task_digest(description, 5);
  EXPECT_EQ(digest, task_digest(testing::small_sweep(4, 2), 5));
  EXPECT_NE(digest, task_digest(description, 4));
  EXPECT_EQ(digest, task_digest(testing::small_sweep(4, 3), 7)) << "replicate 1 of point 2 of a sweep that has grown";
  const auto changed = [&](const auto& change) {
    sweep_description other = testing::small_sweep(4, 2);
    change(other);
    return task_digest(other, 5);
  };
  EXPECT_NE(digest, changed([](sweep_description& d) { d.seed += 1; }));
  EXPECT_NE(digest, changed([](sweep_description& d) { d.base.tau_II += 0.5; }));
  EXPECT_NE(digest, changed([](sweep_description& d) { d.base.inhibition = inhibition_kind::constant; }));
  EXPECT_NE(digest, changed([](sweep_description& d) { d.section.interval_ms += 1; }));
  EXPECT_NE(digest, changed([](sweep_description& d) { d.sampling.transitions += 1; }));
  EXPECT_NE(digest,
            changed([](sweep_description& d) { d.sampling.simulation.simulator = simulator_kind::tau_leaping; }));
  EXPECT_NE(digest, changed([](sweep_description& d) { d.sampling.layout.time_bins += 1; }));
  const auto range = [&](double synthetic_share, const std::string& of_axis) {
    return changed([&](sweep_description& d) {
      d.sampling.synthetic_share = synthetic_share;
      d.settings.emplace_back("design.axes.S_EE", of_axis);
    });
  };
  EXPECT_NE(range(0.1, "1 to 2"), range(0.1, "1 to 3")) << "synthetic states come from anywhere in the range";
  EXPECT_EQ(range(0, "1 to 2"), range(0, "1 to 3"));
}

}  // namespace
}  // namespace spikesweep
