// The log of runs in a sweep file.
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <spikesweep/parallel/collective.hpp>
#include <spikesweep/store/sweep_file.hpp>

#include "store/sweep_samples.hpp"

namespace spikesweep {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::made_up_task;
using testing::scratch_directory;
using testing::small_sweep;
using ::testing::UnorderedElementsAreArray;

TEST(sweep_log, is_of_bounded_length) {
  const scratch_directory scratch;
  const sweep_description d = small_sweep(1);
  create_sweep_file(scratch / "s.h5", d);
  sweep_writer writer(self(), scratch / "s.h5", d);
  writer.log("first");
  writer.log(std::string(1000, 'x'));
  const sweep_reader reader(scratch / "s.h5");
  EXPECT_THAT(reader.log(), ElementsAre("first", std::string(sweep_writer::log_width, 'x')));
  for (int i = 0; i < sweep_writer::log_lines; ++i) {
    writer.log("line " + std::to_string(i));
  }
  EXPECT_EQ(reader.log().size(), static_cast<std::size_t>(sweep_writer::log_lines));
  EXPECT_EQ(reader.log().back(), "line " + std::to_string(sweep_writer::log_lines - 1));
}

TEST(sweep_log, takes_lines_from_several_threads_while_one_writes_tasks) {
  const scratch_directory scratch;
  const sweep_description d = small_sweep();
  create_sweep_file(scratch / "s.h5", d);
  constexpr int lines = 50;
  std::vector<std::string> expected;
  {
    sweep_writer writer(self(), scratch / "s.h5", d);
    std::vector<std::thread> threads;
    for (const std::string who : {"one ", "two ", "three "}) {
      threads.emplace_back([&writer, who] {
        for (int i = 0; i < lines; ++i) {
          writer.log(who + std::to_string(i));
        }
      });
      for (int i = 0; i < lines; ++i) {
        expected.push_back(who + std::to_string(i));
      }
    }
    for (std::int64_t task = 0; task < d.tasks(); ++task) {
      writer.begin_task(task, 0);
      const task_identity id = d.identity(task);
      writer.write_task(task, made_up_task(d, static_cast<int>(id.point), static_cast<int>(id.replicate)), 1);
    }
    for (std::thread& thread : threads) {
      thread.join();
    }
    writer.close();
  }
  const sweep_reader reader(scratch / "s.h5");
  EXPECT_THAT(reader.log(), UnorderedElementsAreArray(expected));
  EXPECT_THAT(reader.damaged_tasks(), IsEmpty());
}

}  // namespace
}  // namespace spikesweep
