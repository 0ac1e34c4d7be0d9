#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <string>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/base/log.hpp>
#include <spikesweep/base/token.hpp>
#include <spikesweep/parallel/interrupt.hpp>
#include <spikesweep/parallel/signals.hpp>
#include <spikesweep/store/atomic_file.hpp>

#include "file_bytes.hpp"

namespace spikesweep {

namespace {

/// Forces a file or directory to the disk.
void sync(const opened_file& what) {
  // Some file systems cannot sync a directory and say EINVAL; the rename is as safe there as it gets.
  if (::fsync(what.number()) != 0 && errno != EINVAL) {
    fail_file("force to disk", what.path());
  }
}

/// Gives a file its first `bytes` on the disk. Returns 0 or an error number; EOPNOTSUPP: the file system cannot. (The
/// function of POSIX then writes every block, which no signal ends.)
int allocate(int descriptor, std::uint64_t bytes) {
  while (::fallocate(descriptor, 0, 0, static_cast<off_t>(bytes)) != 0) {
    if (errno != EINTR || interrupted()) {
      return errno;
    }
  }
  return 0;
}

std::filesystem::path directory_of(const std::filesystem::path& file) {
  return file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
}

/// Makes an empty file beside `target`. What has its name already is of a process that was killed, or a link that
/// another user has put into a shared directory so that we overwrite what it leads to: it is removed and never opened.
std::filesystem::path make_temporary(const std::filesystem::path& target) {
  std::filesystem::path name = target.string() + ".partial";
  for (;;) {
    ::unlink(name.c_str());
    const int made = ::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (made >= 0) {
      ::close(made);
      return name;
    }
    if (errno != EEXIST) {
      fail_file("make", name);
    }
    name = target.string() + ".partial." + new_token();  // The other one's file may not be removed by us.
  }
}

}  // namespace

atomic_file::atomic_file(const std::filesystem::path& target) : target_(real_output(target)) {
  ignore_file_size_signal();
  std::error_code error;
  if (!std::filesystem::is_directory(directory_of(target_), error)) {
    throw environment_error("cannot write " + target_.string() + ": there is no directory " +
                            directory_of(target_).string());
  }
  temporary_ = make_temporary(target_);
}

atomic_file::~atomic_file() {
  if (!committed_) {
    std::error_code ignored;  // It may never have been made.
    std::filesystem::remove(temporary_, ignored);
  }
}

void atomic_file::reserve(std::uint64_t bytes) const {
  const opened_file file(temporary_, O_RDWR);
  if (bytes == 0) {
    return;
  }
  std::error_code unknown;
  const auto space = std::filesystem::space(directory_of(target_), unknown);
  int error = allocate(file.number(), bytes);
  if (error == EOPNOTSUPP) {
    // Such a file system, as NFS 3, gives blocks only to what is written. To write them all to be sure would take as
    // long as the whole sweep's output, so here the free space has to do.
    log_warning_once("the file system of " + target_.string() +
                     " cannot reserve space: should the disk fill up before the end, the sweep stops, and resumes "
                     "once there is room");
    error = !unknown && space.available < bytes ? ENOSPC : 0;
  }
  if (error == EINTR) {
    throw interrupted_error("interrupted before " + target_.string() + " was made; the same command makes it");
  }
  if (error != 0) {
    std::string message =
        "cannot reserve " + std::to_string(bytes) + " bytes for " + target_.string() + ": " + std::strerror(error);
    if (!unknown) {
      message += " (" + std::to_string(space.available) + " bytes are free there)";
    }
    throw environment_error(message);
  }
}

void atomic_file::commit(durability wanted) {
  if (wanted == durability::forced) {
    sync(opened_file(temporary_, O_RDONLY));
  }
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) {
    fail_file("rename into place", target_);
  }
  committed_ = true;
  if (wanted == durability::forced) {
    sync(opened_file(directory_of(target_), O_RDONLY | O_DIRECTORY));
  }
}

std::optional<std::filesystem::path> keep_aside(const std::filesystem::path& path) {
  std::error_code unknown;
  if (!std::filesystem::exists(path, unknown)) {
    return std::nullopt;
  }
  for (int number = 1;; ++number) {
    const std::filesystem::path name = fmt::format("{}.old-{}", path.string(), number);
    // A hard link, unlike a rename, replaces nothing that another process has just put there.
    if (::link(path.c_str(), name.c_str()) == 0) {
      ::unlink(path.c_str());
      log_info(path.string() + " is of older contents or settings; it is kept as " + name.string());
      return name;
    }
    if (errno == EEXIST) {
      continue;
    }
    // Some file systems have no hard links.
    if (!std::filesystem::exists(name, unknown)) {
      if (::rename(path.c_str(), name.c_str()) != 0) {
        fail_file("keep aside", path);
      }
      return name;
    }
  }
}

void write_then_rename(const std::filesystem::path& target,
                       const std::function<void(const std::filesystem::path&)>& write, durability wanted) {
  atomic_file file(target);
  write(file.path());
  file.commit(wanted);
}

std::filesystem::path real_output(const std::filesystem::path& path) {
  std::error_code failure;
  std::filesystem::path real = path;
  // A link stays a link, also one whose file is still to be made; more hops than the system allows are a circle.
  constexpr int most_hops = 40;
  for (int hop = 0; std::filesystem::is_symlink(real, failure); ++hop) {
    if (hop == most_hops) {
      throw input_error("output '" + path.string() + "' is a link that leads to itself; name another");
    }
    const std::filesystem::path target = std::filesystem::read_symlink(real, failure);
    real = target.is_absolute() ? target : real.parent_path() / target;
  }
  if (std::filesystem::exists(real, failure) && !std::filesystem::is_regular_file(real, failure)) {
    throw input_error("output '" + path.string() + "' is " +
                      (std::filesystem::is_directory(real, failure) ? "a directory" : "no regular file") +
                      "; name a file");
  }
  return real;
}

void check_output_name(const std::filesystem::path& path) {
  const std::filesystem::path real = real_output(path);
  std::error_code failure;
  // Names of the files beside it are longer: FILE.unfinished.old-1, FILE.checkpoint.previous.partial.
  constexpr std::size_t longest_name = 200;
  if (real.filename().string().size() > longest_name) {
    throw input_error("output '" + path.string() + "': its name is longer than " + std::to_string(longest_name) +
                      " bytes; name a shorter one");
  }
  const auto parent = std::filesystem::absolute(real).parent_path();
  if (!std::filesystem::is_directory(parent, failure)) {
    throw input_error("output '" + path.string() + "': the directory " + parent.string() +
                      " does not exist; make it, or name another");
  }
}

void check_output_table(const std::filesystem::path& path, std::string_view header) {
  check_output_name(path);
  std::ifstream there(real_output(path), std::ios::binary);
  std::string first(header.size(), '\0');
  there.read(first.data(), static_cast<std::streamsize>(first.size()));
  first.resize(static_cast<std::size_t>(there.gcount()));
  if (!first.empty() && first != header) {
    throw input_error(
        "output '" + path.string() +
        "' is there already, and is another file than would be written: it is not replaced; remove it, or "
        "name another");
  }
}

}  // namespace spikesweep
