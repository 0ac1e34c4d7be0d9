// Jobs that are killed, interrupted or fail in mid-sweep. Each is a process of its own under mpirun.
#include <chrono>
#include <csignal>
#include <fstream>
#include <optional>
#include <set>
#include <thread>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <spikesweep/store/sweep_file.hpp>

#include "store/compare_files.hpp"
#include "store/sweep_samples.hpp"

namespace spikesweep {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::lasting_bytes;
using testing::scratch_directory;
using namespace std::chrono_literals;

constexpr auto patience = 60s;

/// A program running beside the test; killed in the end if it still does.
class child {
 public:
  child(std::vector<std::string> words, const std::filesystem::path& messages) {
    std::vector<char*> arguments;
    for (std::string& word : words) {
      arguments.push_back(word.data());
    }
    arguments.push_back(nullptr);
    process_ = ::fork();
    if (process_ == 0) {
      const int out = ::open(messages.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
      ::dup2(out, STDOUT_FILENO);
      ::dup2(out, STDERR_FILENO);
      ::execv(arguments[0], arguments.data());
      ::_exit(127);
    }
  }
  child(const child&) = delete;
  child& operator=(const child&) = delete;
  ~child() {
    if (!wait_for(0s)) {
      ::kill(process_, SIGKILL);
      wait_for(patience);
    }
  }
  void signal(int number) const { ::kill(process_, number); }
  /// Exit status, 128 + signal if one ended it; nothing if it has not ended in time.
  std::optional<int> wait_for(std::chrono::seconds time) {
    const auto end = std::chrono::steady_clock::now() + time;
    while (!status_) {
      int status = 0;
      if (::waitpid(process_, &status, WNOHANG) == process_) {
        status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
      } else if (std::chrono::steady_clock::now() > end) {
        return std::nullopt;
      } else {
        std::this_thread::sleep_for(5ms);
      }
    }
    return status_;
  }

 private:
  pid_t process_ = -1;
  std::optional<int> status_;
};

class killed_sweep : public ::testing::Test {
 protected:
  static constexpr int ranks = 3;
  static constexpr std::int64_t tasks = 120;
  /// Long enough that mpirun, which takes a second to notice a dead rank, does so before the sweep is over.
  static constexpr int slow_ms = 100;

  std::vector<std::string> job(const std::filesystem::path& to, int task_ms, int on_ranks = ranks) const {
    return {SPIKESWEEP_MPIEXEC, "-n", std::to_string(on_ranks), SPIKESWEEP_SWEEP_DRIVER, to, std::to_string(task_ms)};
  }
  std::string messages() const {
    std::ifstream in(scratch / "messages");
    return {std::istreambuf_iterator<char>(in), {}};
  }
  std::set<std::int64_t> done() const {
    std::set<std::int64_t> found;
    const auto records = sweep_reader(file).records();
    for (std::size_t t = 0; t < records.size(); ++t) {
      if (records[t].state == task_state::done) {
        found.insert(static_cast<std::int64_t>(t));
      }
    }
    return found;
  }
  /// Waits until the running job has finished so many tasks; returns them.
  std::set<std::int64_t> wait_for_tasks(std::size_t count) const {
    const auto end = std::chrono::steady_clock::now() + patience;
    while (std::chrono::steady_clock::now() < end) {
      if (std::filesystem::exists(file)) {
        if (auto found = done(); found.size() >= count) {
          return found;
        }
      }
      std::this_thread::sleep_for(2ms);
    }
    ADD_FAILURE() << "the job did not get so far: " << messages();
    return {};
  }
  void kill_rank(int rank) const {
    pid_t process = -1;
    const std::string noted = file.string() + ".pid." + std::to_string(rank);
    std::ifstream(noted) >> process;
    ASSERT_GT(process, 1);
    ::kill(process, SIGKILL);
    std::filesystem::remove(noted);  // The number may soon be another process's.
  }
  /// Everything that was done before is done and whole; the same command finishes the sweep, with the bytes of an
  /// undisturbed one.
  void expect_nothing_lost(const std::set<std::int64_t>& before) const {
    const auto after = done();
    for (const std::int64_t task : before) {
      EXPECT_TRUE(after.contains(task)) << "task " << task << " was lost";
    }
    EXPECT_LT(after.size(), static_cast<std::size_t>(tasks)) << "the job was over before it was killed";
    const auto damaged = sweep_reader(file).damaged_tasks();
    for (const std::int64_t task : damaged) {
      EXPECT_FALSE(before.contains(task)) << "task " << task << " was damaged";
    }
    child again(job(file, 1), scratch / "messages");
    EXPECT_EQ(again.wait_for(patience), 0) << messages();
    child undisturbed(job(scratch / "expected.h5", 0, 1), scratch / "messages");
    EXPECT_EQ(undisturbed.wait_for(patience), 0) << messages();
    EXPECT_EQ(lasting_bytes(file), lasting_bytes(scratch / "expected.h5"));
  }

  scratch_directory scratch;
  std::filesystem::path file = scratch / "s.h5";
};

TEST_F(killed_sweep, loses_no_finished_task_when_every_rank_is_killed) {
  child running(job(file, slow_ms), scratch / "messages");
  const auto before = wait_for_tasks(15);
  for (int rank = 0; rank < ranks; ++rank) {
    kill_rank(rank);
  }
  const auto status = running.wait_for(patience);
  ASSERT_TRUE(status.has_value());
  EXPECT_NE(*status, 0);
  expect_nothing_lost(before);
}

TEST_F(killed_sweep, ends_when_one_worker_is_killed) {
  child running(job(file, slow_ms), scratch / "messages");
  const auto before = wait_for_tasks(10);
  kill_rank(2);
  const auto status = running.wait_for(patience);
  ASSERT_TRUE(status.has_value()) << "the job hangs";
  EXPECT_NE(*status, 0);
  expect_nothing_lost(before);
}

TEST_F(killed_sweep, survives_being_killed_again_and_again) {
  std::set<std::int64_t> before;
  for (std::size_t round = 1; round <= 2; ++round) {
    child running(job(file, slow_ms), scratch / "messages");
    before = wait_for_tasks(before.size() + 8);
    kill_rank(static_cast<int>(round) % ranks);
    ASSERT_TRUE(running.wait_for(patience).has_value());
    before = done();
  }
  expect_nothing_lost(before);
}

TEST_F(killed_sweep, ends_with_75_on_sigusr1_to_mpirun_and_resumes) {
  child running(job(file, slow_ms), scratch / "messages");
  const auto before = wait_for_tasks(10);
  running.signal(SIGUSR1);
  EXPECT_EQ(running.wait_for(patience), 75) << messages();
  EXPECT_THAT(sweep_reader(file).damaged_tasks(), IsEmpty());
  expect_nothing_lost(before);
}

TEST_F(killed_sweep, takes_the_whole_job_down_with_one_line_when_a_rank_fails) {
  auto words = job(file, 5);
  words.emplace_back("throw");
  child running(words, scratch / "messages");
  const auto status = running.wait_for(patience);
  ASSERT_TRUE(status.has_value()) << "the job hangs";
  EXPECT_EQ(*status, 1);
  EXPECT_THAT(messages(), HasSubstr("spikesweep: rank "));
  EXPECT_THAT(messages(), HasSubstr("made to fail"));
}

TEST_F(killed_sweep, keeps_the_old_file_when_killed_while_it_is_extended) {
  child first({SPIKESWEEP_SWEEP_DRIVER, file, "0", "large"}, scratch / "messages");
  ASSERT_EQ(first.wait_for(patience), 0) << messages();
  const std::vector<std::string> extension{SPIKESWEEP_SWEEP_DRIVER, file, "0", "extend"};
  const std::vector<char> before = testing::bytes_of(file);
  int killed = 0;
  for (const auto delay : {0ms, 5ms, 10ms, 20ms, 40ms, 80ms, 160ms}) {
    std::filesystem::remove(file.string() + ".partial");
    child running(extension, scratch / "messages");
    while (!std::filesystem::exists(file.string() + ".partial") && !running.wait_for(0s)) {
    }
    std::this_thread::sleep_for(delay);
    running.signal(SIGKILL);
    running.wait_for(patience);
    if (testing::bytes_of(file) != before) {
      break;  // It was so far that the new file had its name.
    }
    ++killed;
  }
  EXPECT_GE(killed, 1);
  child again(extension, scratch / "messages");
  EXPECT_EQ(again.wait_for(patience), 0) << messages();
  child undisturbed({SPIKESWEEP_SWEEP_DRIVER, scratch / "expected.h5", "0", "extend"}, scratch / "messages");
  EXPECT_EQ(undisturbed.wait_for(patience), 0) << messages();
  EXPECT_EQ(lasting_bytes(file), lasting_bytes(scratch / "expected.h5"));
}

TEST_F(killed_sweep, is_over_at_the_third_start_if_a_task_ends_its_process) {
  auto words = job(file, 1);
  words.emplace_back("crash");
  for (int start = 1; start <= 3; ++start) {
    child running(words, scratch / "messages");
    const auto status = running.wait_for(patience);
    ASSERT_TRUE(status.has_value()) << "the job hangs";
    ASSERT_EQ(*status == 3, start == 3) << "start " << start << " ended with " << *status << ": " << messages();
  }
  EXPECT_EQ(done().size(), static_cast<std::size_t>(tasks - 1));
  EXPECT_EQ(sweep_reader(file).records()[14].state, task_state::crashed);
  child again(job(file, 1), scratch / "messages");
  EXPECT_EQ(again.wait_for(patience), 3) << "a crashed task is not run again unasked";
}

TEST_F(killed_sweep, runs_without_mpirun) {
  child alone({SPIKESWEEP_SWEEP_DRIVER, file, "0"}, scratch / "messages");
  EXPECT_EQ(alone.wait_for(patience), 0) << messages();
  EXPECT_EQ(done().size(), static_cast<std::size_t>(tasks));
}

}  // namespace
}  // namespace spikesweep
