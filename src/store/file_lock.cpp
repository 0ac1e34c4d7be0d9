#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <sstream>
#include <string>
#include <thread>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/base/log.hpp>
#include <spikesweep/base/plain_text.hpp>
#include <spikesweep/parallel/launch.hpp>
#include <spikesweep/parallel/signals.hpp>
#include <spikesweep/store/atomic_file.hpp>
#include <spikesweep/store/file_lock.hpp>

namespace spikesweep {

namespace {

/// find_lock_holder() may have the lock for an instant: a few looks this far apart tell it from a job.
constexpr std::chrono::milliseconds between_looks{20};
constexpr int looks = 5;

bool known(const lock_holder& who) {
  return !who.host.empty() && who.process > 0;
}

std::string name_of(const lock_holder& who) {
  return "process " + std::to_string(who.process) + " on " + who.host +
         (who.job.empty() ? "" : ", SLURM job " + who.job);
}

std::string job_number() {
  return batch_job().value_or("");
}

// All files are opened with O_NONBLOCK: a pipe of that name would make the opening wait for its other end.

// What the lock file says of its holder: "HOST PROCESS", and under SLURM "HOST PROCESS JOB".
lock_holder read_holder(int descriptor) {
  std::array<char, 512> text{};
  lock_holder who;
  if (::pread(descriptor, text.data(), text.size() - 1, 0) > 0) {
    std::istringstream words(plain_text(text.data()));
    words >> who.host >> who.process >> who.job;
  }
  return who;
}

[[noreturn]] void refuse(const std::filesystem::path& file, const std::filesystem::path& lock, const lock_holder& who) {
  std::string message = file.string() + " is in use by another job";
  if (known(who)) {
    message += " (" + name_of(who) + ")";
  }
  throw input_error(message + "; wait for it to end, or if there is none remove " + lock.string());
}

bool is_dead_here(const lock_holder& who) {
  return who.host == host_name() && !is_alive(static_cast<pid_t>(who.process));
}

// Whether the open descriptor still is the file of that name: its last holder may have removed it since.
bool still_named(int descriptor, const std::filesystem::path& path) {
  struct ::stat open_file {};
  struct ::stat named {};
  return ::fstat(descriptor, &open_file) == 0 && ::stat(path.c_str(), &named) == 0 &&
         open_file.st_ino == named.st_ino && open_file.st_dev == named.st_dev;
}

/// The lock is that of the real file: who names it by a link means the same one. A name that ends in '/' is that of a
/// directory, whose lock lies in it.
std::filesystem::path lock_of(const std::filesystem::path& file) {
  return (file.has_filename() ? real_output(file) : file).string() + ".lock";
}

/// Removes a lock file that another user has left, in a directory that both may write. Only who has the lock may do so.
bool remove_dead_lock(const std::filesystem::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) {
    return false;
  }
  const bool gone =
      ::flock(descriptor, LOCK_EX | LOCK_NB) == 0 && still_named(descriptor, path) && ::unlink(path.c_str()) == 0;
  ::close(descriptor);
  return gone;
}

void write_holder(int descriptor, const std::filesystem::path& path) {
  const std::string text = host_name() + ' ' + std::to_string(::getpid()) + ' ' + job_number() + '\n';
  if (::ftruncate(descriptor, 0) != 0 ||
      ::pwrite(descriptor, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) {
    const int error = errno;
    ::unlink(path.c_str());
    ::close(descriptor);
    throw environment_error("cannot write the lock " + path.string() + ": " + std::strerror(error));
  }
}

}  // namespace

lock_holder find_lock_holder(const std::filesystem::path& file) {
  const std::string path = lock_of(file).string();
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) {
    return {};
  }
  lock_holder who = read_holder(descriptor);
  struct ::stat text {};
  if (::fstat(descriptor, &text) == 0) {
    who.since = static_cast<double>(text.st_mtim.tv_sec);
  }
  const bool locked = ::flock(descriptor, LOCK_SH | LOCK_NB) == 0;
  const bool held = !locked && errno == EWOULDBLOCK;
  ::close(descriptor);
  const bool elsewhere = known(who) && who.host != host_name();  // Some file systems keep flock to one host.
  // Without flock the text decides.
  const bool alive_here = !locked && known(who) && !elsewhere && !is_dead_here(who);
  who.state = held || alive_here ? lock_state::held : elsewhere ? lock_state::unknown : lock_state::free;
  return who;
}

file_lock::file_lock(const std::filesystem::path& file) : path_(lock_of(file)) {
  for (int look = 1;; ++look) {
    descriptor_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    const int obstacle = descriptor_ < 0 ? errno : 0;
    if (obstacle == EACCES && look < looks && remove_dead_lock(path_)) {
      continue;
    }
    if (obstacle != 0) {
      throw environment_error("cannot make the lock " + path_.string() + ": " + std::strerror(obstacle));
    }
    const bool locked = ::flock(descriptor_, LOCK_EX | LOCK_NB) == 0;
    const int error = locked ? 0 : errno;
    const lock_holder who = read_holder(descriptor_);
    // EWOULDBLOCK: held. Anything else (ENOLCK, EOPNOTSUPP): this file system has no flock, so the text decides.
    const bool held = !locked && (error == EWOULDBLOCK || (known(who) && !is_dead_here(who)));
    if (held) {
      ::close(descriptor_);
      if (look >= looks) {
        refuse(file, path_, who);
      }
      std::this_thread::sleep_for(between_looks);
      continue;
    }
    if (still_named(descriptor_, path_)) {
      if (known(who) && who.host != host_name()) {
        log_warning(
            path_.string() + " was left behind by " + name_of(who) +
            " and is taken over; should that job still run, end one of the two: these nodes then share no locks");
      }
      break;
    }
    ::close(descriptor_);
  }
  write_holder(descriptor_, path_);
}

file_lock::~file_lock() {
  ::unlink(path_.c_str());
  ::close(descriptor_);
}

input_lock::input_lock(const std::filesystem::path& file)
    : descriptor_(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
  if (descriptor_ >= 0) {
    ::flock(descriptor_, LOCK_SH | LOCK_NB);
  }
}

input_lock::~input_lock() {
  if (descriptor_ >= 0) {
    ::close(descriptor_);
  }
}

void check_unused(const std::filesystem::path& file) {
  const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) {
    return;
  }
  const bool used = ::flock(descriptor, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  ::close(descriptor);
  if (used) {
    throw input_error(file.string() +
                      " is being read by another job, such as a training; wait for it to end, or use another output");
  }
}

}  // namespace spikesweep
