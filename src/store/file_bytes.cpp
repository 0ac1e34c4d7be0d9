#include "file_bytes.hpp"

#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include <spikesweep/base/error.hpp>

namespace spikesweep {

opened_file::opened_file(std::filesystem::path path, int flags)
    : path_(std::move(path)), file_(::open(path_.c_str(), flags | O_CLOEXEC)) {
  if (number() < 0) {
    fail_file("open", path_);
  }
}

void append_from(int descriptor, const std::filesystem::path& path, std::uint64_t begin, std::uint64_t size,
                 std::string& to) {
  const std::size_t before = to.size();
  to.resize(before + size);
  std::uint64_t done = 0;
  while (done < size) {
    const ssize_t part = ::pread(descriptor, to.data() + before + done, size - done, static_cast<off_t>(begin + done));
    if (part < 0 && errno != EINTR) {
      fail_file("read", path);
    }
    if (part == 0) {
      break;
    }
    done += part > 0 ? static_cast<std::uint64_t>(part) : 0;
  }
  to.resize(before + done);
}

std::string read_at(int descriptor, const std::filesystem::path& path, std::uint64_t begin, std::uint64_t size) {
  std::string bytes;
  append_from(descriptor, path, begin, size, bytes);
  return bytes;
}

void write_at(int descriptor, const std::filesystem::path& path, std::uint64_t begin,
              std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t part = ::pwrite(descriptor, bytes.data(), bytes.size(), static_cast<off_t>(begin));
    if (part < 0 && errno != EINTR) {
      fail_file("write", path);
    }
    const std::size_t done = part > 0 ? static_cast<std::size_t>(part) : 0;
    bytes = bytes.subspan(done);
    begin += done;
  }
}

void force_to_disk(int descriptor, const std::filesystem::path& path) {
  // Not every file system can sync, and says so with EINVAL. EROFS is of one that has failed since.
  if (::fdatasync(descriptor) != 0 && errno != EINVAL) {
    fail_file("force to disk", path);
  }
}

void fail_file(const char* action, const std::filesystem::path& path) {
  throw environment_error(std::string("cannot ") + action + ' ' + path.string() + ": " + std::strerror(errno));
}

}  // namespace spikesweep
