#include <array>
#include <cerrno>
#include <cstddef>
#include <filesystem>

#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/store/atomic_file.hpp>

#include "sweep_samples.hpp"

namespace spikesweep {
namespace {

using testing::scratch_directory;

constexpr int not_permitted_here = 77;

/// From now on this process is told that its file systems cannot allocate, as those of NFS 3 do.
bool refuse_fallocate() {
  const std::array<sock_filter, 4> program{{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_fallocate, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EOPNOTSUPP),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  }};
  const sock_fprog filter{program.size(), const_cast<sock_filter*>(program.data())};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

/// The exit code of a process that runs `work` after refuse_fallocate().
template <class Work>
int without_fallocate(const Work& work) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::_exit(refuse_fallocate() ? work() : not_permitted_here);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(atomic_file, reserves_its_bytes_on_the_disk) {
  const scratch_directory scratch;
  const atomic_file file(scratch / "f");
  file.reserve(1'000'000);
  struct ::stat found {};
  ASSERT_EQ(::stat(file.path().c_str(), &found), 0);
  EXPECT_EQ(found.st_size, 1'000'000);
  EXPECT_GE(found.st_blocks * 512, 1'000'000);
}

TEST(atomic_file, writes_no_blocks_where_none_can_be_reserved) {
  const scratch_directory scratch;
  const int code = without_fallocate([&] {
    const atomic_file file(scratch / "f");
    file.reserve(100'000'000);
    struct ::stat found {};
    return ::stat(file.path().c_str(), &found) == 0 && found.st_blocks * 512 < 1'000'000 ? 0 : 1;
  });
  EXPECT_EQ(code, 0) << (code == not_permitted_here ? "this machine permits no filter of system calls" : "");
}

TEST(atomic_file, looks_at_the_free_space_where_none_can_be_reserved) {
  const scratch_directory scratch;
  const int code = without_fallocate([&] {
    const atomic_file file(scratch / "f");
    try {
      file.reserve(std::uint64_t{1} << 60);
    } catch (const environment_error& error) {
      return std::string(error.what()).find("bytes are free there") != std::string::npos ? 0 : 2;
    }
    return 1;
  });
  EXPECT_EQ(code, 0) << (code == not_permitted_here ? "this machine permits no filter of system calls" : "");
}

}  // namespace
}  // namespace spikesweep
