// The lock against two jobs on one file, with processes that die.
#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <string>
#include <thread>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <spikesweep/store/file_lock.hpp>

#include "store/compare_files.hpp"
#include "store/sweep_samples.hpp"

namespace spikesweep {
namespace {

using ::testing::AllOf;
using testing::error_of;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::scratch_directory;

std::string host() {
  std::array<char, 256> name{};
  ::gethostname(name.data(), name.size() - 1);
  return name.data();
}

/// A process that holds the lock of a file until it is killed.
class holder {
 public:
  explicit holder(const std::filesystem::path& file) {
    std::array<int, 2> ready{};
    EXPECT_EQ(::pipe(ready.data()), 0);
    process_ = ::fork();
    if (process_ == 0) {
      const file_lock lock(file);
      if (::write(ready[1], "x", 1) != 1) {
        ::_exit(1);
      }
      for (;;) {
        ::pause();
      }
    }
    ::close(ready[1]);
    char byte = 0;
    EXPECT_EQ(::read(ready[0], &byte, 1), 1) << "the child did not get the lock";
    ::close(ready[0]);
  }
  holder(const holder&) = delete;
  holder& operator=(const holder&) = delete;
  ~holder() { kill(); }
  void kill() {
    if (process_ > 0) {
      ::kill(process_, SIGKILL);
      ::waitpid(process_, nullptr, 0);
      process_ = -1;
    }
  }
  pid_t process() const { return process_; }

 private:
  pid_t process_ = -1;
};

std::string refusal(const std::filesystem::path& file) {
  return error_of<input_error>([&] { const file_lock second(file); });
}

TEST(file_lock, keeps_a_second_job_out_and_names_the_holder) {
  const scratch_directory scratch;
  {
    const file_lock first(scratch / "s.h5");
    EXPECT_THAT(refusal(scratch / "s.h5"), AllOf(HasSubstr("s.h5"), HasSubstr(std::to_string(::getpid()))));
    EXPECT_NO_THROW(file_lock other(scratch / "other.h5"));
  }
  EXPECT_NO_THROW(file_lock again(scratch / "s.h5"));
  EXPECT_TRUE(std::filesystem::is_empty(scratch.path())) << "a lock was left behind";
}

TEST(file_lock, outlives_its_holder_only_as_a_file) {
  const scratch_directory scratch;
  holder other(scratch / "s.h5");
  EXPECT_THAT(
      refusal(scratch / "s.h5"),
      AllOf(HasSubstr("in use by another job"),
            HasSubstr("process " + std::to_string(other.process()) + " on " + host()), Not(HasSubstr("SLURM"))));
  other.kill();
  EXPECT_TRUE(std::filesystem::exists(scratch / "s.h5.lock")) << "a killed process cannot tidy up";
  const file_lock mine(scratch / "s.h5");
  EXPECT_THAT(refusal(scratch / "s.h5"), HasSubstr("process " + std::to_string(::getpid())));
}

TEST(file_lock, names_the_slurm_job_of_its_holder) {
  const scratch_directory scratch;
  ::setenv("SLURM_JOB_ID", "4711", 1);
  const holder other(scratch / "s.h5");
  ::unsetenv("SLURM_JOB_ID");
  EXPECT_THAT(refusal(scratch / "s.h5"), HasSubstr("on " + host() + ", SLURM job 4711)"));
}

TEST(file_lock, that_nobody_holds_is_taken_over_whatever_it_says) {
  const scratch_directory scratch;
  const std::string alive = std::to_string(::getppid());  // A number in use does not make it a holder.
  for (const std::string& text :
       {std::string(), std::string("some-other-host 999999\n"), std::string("some-other-host 1 4711\n"),
        host() + ' ' + alive + '\n', std::string("\0\xff garbage \n\n", 12), std::string(4096, 'x'), host() + " -1\n",
        host() + " 99999999999999999999999999\n"}) {
    std::ofstream(scratch / "s.h5.lock", std::ios::binary) << text;
    {
      const file_lock mine(scratch / "s.h5");
      const std::vector<char> now = testing::bytes_of(scratch / "s.h5.lock");
      EXPECT_THAT(std::string(now.begin(), now.end()), HasSubstr(host() + ' ' + std::to_string(::getpid())));
      EXPECT_LT(now.size(), 300U) << "the old text has to go";
    }
    EXPECT_FALSE(std::filesystem::exists(scratch / "s.h5.lock"));
  }
}

TEST(file_lock, that_is_held_counts_even_if_its_text_is_garbage) {
  const scratch_directory scratch;
  const holder other(scratch / "s.h5");
  std::ofstream(scratch / "s.h5.lock", std::ios::binary | std::ios::trunc) << "garbage";
  EXPECT_THAT(refusal(scratch / "s.h5"), AllOf(HasSubstr("in use by another job;"), HasSubstr("s.h5.lock")));
}

TEST(file_lock, that_cannot_be_made_says_why) {
  const scratch_directory scratch;
  std::filesystem::create_directory(scratch / "s.h5.lock");
  EXPECT_THAT(error_of<environment_error>([&] { const file_lock lock(scratch / "s.h5"); }),
              AllOf(HasSubstr("s.h5.lock"), HasSubstr("directory")));
}

TEST(file_lock, is_seen_without_being_taken) {
  const scratch_directory scratch;
  EXPECT_EQ(find_lock_holder(scratch / "s.h5").state, lock_state::free);
  {
    const file_lock lock(scratch / "s.h5");
    const lock_holder job = find_lock_holder(scratch / "s.h5");
    EXPECT_EQ(job.state, lock_state::held);
    EXPECT_EQ(job.process, ::getpid());
    EXPECT_NEAR(job.since, static_cast<double>(std::time(nullptr)), 60);
  }
  EXPECT_EQ(find_lock_holder(scratch / "s.h5").state, lock_state::free);
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  std::ofstream(scratch / "s.h5.lock") << host.data() << " 999999999\n";
  EXPECT_EQ(find_lock_holder(scratch / "s.h5").state, lock_state::free) << "its holder died here";
}

/// A lock file as a holder on another host writes it, of which flock here knows nothing.
void write_foreign_lock(const std::filesystem::path& path, int beat) {
  // All at once, as a holder does: a reader never finds it empty.
  const std::string text =
      fmt::format("some-other-host 999999 -\n1700000000.000 17000000{}.000 0123456789abcdef\n", beat);
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT, 0666);
  EXPECT_EQ(::pwrite(file, text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
  ::close(file);
}

TEST(file_lock, of_another_host_that_writes_its_clock_again_and_again_is_held) {
  const scratch_directory scratch;
  write_foreign_lock(scratch / "s.h5.lock", 10);
  std::atomic<bool> ends = false;
  std::thread other([&] {
    for (int beat = 11; !ends; ++beat) {
      std::this_thread::sleep_for(std::chrono::milliseconds(200));
      write_foreign_lock(scratch / "s.h5.lock", beat);
    }
  });
  EXPECT_THAT(refusal(scratch / "s.h5"), HasSubstr("in use by another job (process 999999 on some-other-host)"));
  ends = true;
  other.join();
}

TEST(file_lock, of_another_host_that_no_longer_writes_is_taken_over) {
  const scratch_directory scratch;
  write_foreign_lock(scratch / "s.h5.lock", 10);
  std::filesystem::last_write_time(scratch / "s.h5.lock",
                                   std::filesystem::file_time_type::clock::now() - std::chrono::minutes(2));
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_NO_THROW(file_lock mine(scratch / "s.h5"));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5)) << "an old one is not waited for";
}

TEST(file_lock, of_an_earlier_start_of_the_same_job_is_waited_for) {
  const scratch_directory scratch;
  ::setenv("SLURM_JOB_ID", "4711", 1);
  holder earlier(scratch / "s.h5");
  std::thread ends([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(1500));
    earlier.kill();
  });
  EXPECT_NO_THROW(file_lock mine(scratch / "s.h5"));
  ends.join();
  ::unsetenv("SLURM_JOB_ID");
}

TEST(file_lock, that_was_taken_over_is_not_removed_by_its_first_holder) {
  const scratch_directory scratch;
  {
    const file_lock first(scratch / "s.h5");
    write_foreign_lock(scratch / "s.h5.lock", 10);
  }
  EXPECT_TRUE(std::filesystem::exists(scratch / "s.h5.lock"));
}

TEST(file_lock, tells_the_clock_of_a_holder_on_another_host) {
  const scratch_directory scratch;
  write_foreign_lock(scratch / "s.h5.lock", 42);
  const lock_holder other = find_lock_holder(scratch / "s.h5");
  EXPECT_EQ(other.state, lock_state::unknown);
  EXPECT_EQ(other.since, 1.7e9);
  EXPECT_EQ(clock_of(other, 5), 1700000042.0) << "not the clock of this host";
  const file_lock own(scratch / "own.h5");
  EXPECT_EQ(clock_of(find_lock_holder(scratch / "own.h5"), 5), 5);
}

TEST(file_lock, waits_for_those_who_only_look) {
  const scratch_directory scratch;
  std::ofstream(scratch / "s.h5.lock") << "";
  const int looking = ::open((scratch / "s.h5.lock").c_str(), O_RDONLY);
  ASSERT_EQ(::flock(looking, LOCK_SH | LOCK_NB), 0);
  std::thread leaves([looking] {
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    ::close(looking);
  });
  EXPECT_NO_THROW(file_lock lock(scratch / "s.h5"));
  leaves.join();
}

}  // namespace
}  // namespace spikesweep
