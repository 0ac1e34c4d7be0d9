// A program of its own for work that may end its process.
#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/parallel/child_process.hpp>
#include <spikesweep/parallel/program.hpp>

namespace spikesweep {

namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

std::vector<std::string> program(const std::string& what) {
  return {SPIKESWEEP_CHILD_PROGRAM, what};
}

/// Everything that a child sends until it ends.
std::vector<std::string> messages_of(child_process& child) {
  std::vector<std::string> all;
  child_process::news news = child_process::news::nothing;
  while (news != child_process::news::end) {
    news = child.receive();
    while (auto message = child.next()) {
      all.push_back(*std::move(message));
    }
  }
  return all;
}

TEST(child_process, sends_messages_of_any_length_in_order) {
  const std::string large(1 << 20, 'x');
  child_process child(program("echo"), large);
  EXPECT_THAT(messages_of(child), ElementsAre("first", "", large));
  EXPECT_EQ(child.end(), "its process ended with code 0");
}

TEST(child_process, names_the_signal_that_ended_it_and_keeps_what_came_before) {
  child_process child(program("crash"), "");
  EXPECT_THAT(messages_of(child), ElementsAre("before"));
  EXPECT_THAT(child.end(), HasSubstr("ended by signal 11"));
}

TEST(child_process, tells_the_code_that_it_ended_with) {
  child_process child(program("something else"), "");
  EXPECT_THAT(messages_of(child), IsEmpty());
  EXPECT_EQ(child.end(), "its process ended with code 1");
}

TEST(child_process, is_killed_with_its_object) {
  const child_process child(program("endless"), "");
}

TEST(child_process, can_be_ended_while_it_does_nothing) {
  child_process child(program("silent"), "");
  while (!child.next()) {
    ASSERT_NE(child.receive(), child_process::news::end);
  }
  EXPECT_EQ(child.receive(), child_process::news::nothing);
  EXPECT_THAT(child.end(), HasSubstr("ended by signal 9"));
}

TEST(child_process, hears_no_signal_that_a_launcher_sends_to_all) {
  child_process child(program("interrupted"), "");
  EXPECT_THAT(messages_of(child), ElementsAre("lives"));
  EXPECT_EQ(child.end(), "its process ended with code 0");
}

TEST(child_process, has_no_variable_of_a_launcher) {
  for (const char* name : {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "SLURM_STEP_ID", "SLURM_PROCID"}) {
    ::setenv(name, "1", 1);
  }
  ::setenv("SPIKESWEEP_TEST_VARIABLE", "1", 1);
  child_process child(program("environment"), "");
  const std::vector<std::string> variables = messages_of(child);
  EXPECT_THAT(variables, Contains("SPIKESWEEP_TEST_VARIABLE=1"));
  for (const char* prefix : {"OMPI_", "PMIX_", "PMI_", "SLURM_"}) {
    EXPECT_THAT(variables, Each(Not(StartsWith(prefix))));
  }
}

TEST(child_process, has_no_open_file_of_its_parent) {
  const int file = ::open("/dev/null", O_RDONLY);  // Without O_CLOEXEC, as libraries open files.
  child_process child(program("files"), "");
  std::string list = messages_of(child).at(0);
  ::close(file);
  std::ranges::sort(list);
  EXPECT_EQ(list, "    0123") << "its input, standard output and error, and the pipe to its parent";
}

TEST(child_process, that_cannot_start_is_an_error) {
  EXPECT_THROW(child_process({"/nowhere/program"}, ""), environment_error);
}

TEST(parent_link, is_refused_to_a_process_that_no_child_process_started) {
  const int nothing = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  const int status = wait_for_program(start_program(program("echo"), nothing, nothing, program_signals::heeded));
  ::close(nothing);
  EXPECT_EQ(WEXITSTATUS(status), 2);
}

}  // namespace

}  // namespace spikesweep
