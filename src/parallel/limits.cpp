#include <algorithm>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fmt/format.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/parallel/launch.hpp>
#include <spikesweep/parallel/limits.hpp>

namespace spikesweep {

namespace {

constexpr rlim_t least_files = 64;
constexpr rlim_t most_files = 65536;  // Some programs walk through all that they might have open.
constexpr rlim_t mebibyte = 1 << 20;
constexpr rlim_t least_addresses = 512 * mebibyte;
constexpr rlim_t least_file_size = 8 * mebibyte;  // Open MPI's ranks of a node share files of 4 MiB.

void require(int what, rlim_t least, rlim_t unit, const char* may, const char* option) {
  rlimit limit{};
  if (::getrlimit(what, &limit) == 0 && limit.rlim_cur < least) {
    throw environment_error(fmt::format("rank {} on {} may {}, and needs {}; raise ulimit {}", find_launch_place().rank,
                                        host_name(), fmt::format(fmt::runtime(may), limit.rlim_cur / unit),
                                        least / unit, option));
  }
}

}  // namespace

void prepare_limits() {
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = std::max(files.rlim_cur, std::min(files.rlim_max, most_files));
    ::setrlimit(RLIMIT_NOFILE, &files);
  }
  require(RLIMIT_NOFILE, least_files, 1, "open {} files at a time", "-n");
  require(RLIMIT_AS, least_addresses, mebibyte, "have {} MiB of addresses", "-v");
  require(RLIMIT_FSIZE, least_file_size, mebibyte, "write files of {} MiB", "-f");
}

void open_standard_streams() {
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(stream, F_GETFD) == -1) {
      ::open("/dev/null", O_RDWR);  // Gets the lowest free number: this one.
    }
  }
}

}  // namespace spikesweep
