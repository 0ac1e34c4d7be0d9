// A sweep file whose rows are holes: what reads them although it need not is found by the bytes that it reads.
#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <spikesweep/store/snapshot.hpp>
#include <spikesweep/sweep/damage.hpp>
#include <spikesweep/sweep/status.hpp>
#include <spikesweep/sweep/sweep.hpp>

#include "store/sparse_sweep.hpp"
#include "store/sweep_samples.hpp"

namespace spikesweep {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// Bytes that this process has read so far, from any file.
std::int64_t bytes_read() {
  std::ifstream io("/proc/self/io");
  std::string name;
  std::int64_t value = 0;
  while (io >> name >> value) {
    if (name == "rchar:") {
      return value;
    }
  }
  throw environment_error("/proc/self/io has no rchar");
}

template <class Call>
std::int64_t bytes_read_by(Call call) {
  const std::int64_t before = bytes_read();
  call();
  return bytes_read() - before;
}

/// 400 tasks of 40 points, of which 100 are done.
class large_file : public ::testing::Test {
 protected:
  large_file() { testing::make_sparse_sweep(file, description, done); }

  /// Of the rows of all tasks that are done.
  std::int64_t row_bytes() const {
    return static_cast<std::int64_t>(sweep_file_bytes(description)) * done / description.tasks();
  }

  static constexpr std::int64_t done = 100;
  static constexpr std::int64_t metadata_bytes = 1 << 20;  ///< The metadata and all records, several times.

  const testing::scratch_directory scratch;
  const std::filesystem::path file = scratch / "s.h5";
  const sweep_description description = testing::small_sweep(40, 10, 400);
};

TEST_F(large_file, is_large) {
  EXPECT_GT(row_bytes(), 10 * metadata_bytes);
}

TEST_F(large_file, has_a_status_that_reads_no_rows) {
  EXPECT_LT(bytes_read_by([&] { EXPECT_EQ(read_status(file).done, done); }), metadata_bytes);
}

TEST_F(large_file, is_compared_with_a_config_without_reading_rows) {
  EXPECT_LT(bytes_read_by([&] { check_sweep_file(file, description); }), metadata_bytes);
}

TEST_F(large_file, is_opened_for_training_without_reading_rows) {
  EXPECT_LT(bytes_read_by([&] { EXPECT_FALSE(open_snapshot(self(), file).digest().empty()); }), metadata_bytes);
}

TEST_F(large_file, gives_the_rows_of_a_task_alone) {
  const sweep_reader reader(file);
  EXPECT_LT(bytes_read_by([&] { EXPECT_EQ(reader.read_rows(7, 8).block.rows(), 400); }), metadata_bytes);
  EXPECT_LT(bytes_read_by([&] { reader.rows_of_task(8, 0, 400); }), metadata_bytes);
}

TEST_F(large_file, is_tested_by_reading_the_rows_of_finished_tasks_once) {
  tested_tasks tested;
  const auto test = [&] { EXPECT_THAT(find_damaged(self(), file, {}, &tested), IsEmpty()); };
  const std::int64_t first = bytes_read_by(test);
  EXPECT_GT(first, row_bytes() - metadata_bytes);
  EXPECT_LT(first, row_bytes() + metadata_bytes);
  EXPECT_LT(bytes_read_by(test), metadata_bytes) << "every task was tested";
}

TEST_F(large_file, is_tested_again_where_another_program_has_written) {
  tested_tasks tested;
  EXPECT_THAT(find_damaged(self(), file, {}, &tested), IsEmpty());
  {
    sweep_writer writer(self(), file, description);
    writer.write_task(7, testing::made_up_task(description, 0, 7), 1);
    writer.close();
    std::fstream out(file, std::ios::binary | std::ios::in | std::ios::out);
    const hdf5::file opened = hdf5::file::open(file);
    const auto durations = opened.root().open_dataset("transitions/duration").bytes();
    out.seekp(static_cast<std::streamoff>(durations.first + 7 * 400 * sizeof(double)));
    out.put('x');
  }
  EXPECT_THAT(find_damaged(self(), file, {}, &tested), ElementsAre(7));
}

TEST_F(large_file, is_tested_again_as_a_whole_once_it_was_replaced) {
  tested_tasks tested;
  EXPECT_THAT(find_damaged(self(), file, {}, &tested), IsEmpty());
  std::filesystem::copy_file(file, scratch / "copy.h5");
  std::filesystem::rename(scratch / "copy.h5", file);
  const std::int64_t again = bytes_read_by([&] { find_damaged(self(), file, {}, &tested); });
  EXPECT_GT(again, row_bytes() - metadata_bytes);
}

TEST_F(large_file, is_extended_by_reading_the_rows_of_finished_tasks_once) {
  const sweep_description grown = testing::small_sweep(41, 10, 400);
  EXPECT_LT(bytes_read_by([&] { extend_sweep_file(file, grown, {}); }), row_bytes() + 2 * metadata_bytes);
  EXPECT_THAT(find_damaged(self(), file), IsEmpty());
  EXPECT_EQ(read_status(file).done, done);
}

}  // namespace
}  // namespace spikesweep
