#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>
#include <sstream>
#include <string>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/base/log.hpp>
#include <spikesweep/base/plain_text.hpp>
#include <spikesweep/base/token.hpp>
#include <spikesweep/parallel/interrupt.hpp>
#include <spikesweep/parallel/launch.hpp>
#include <spikesweep/parallel/signals.hpp>
#include <spikesweep/store/atomic_file.hpp>
#include <spikesweep/store/file_lock.hpp>

namespace spikesweep {

namespace {

/// find_lock_holder() may have the lock for an instant: a few looks this far apart tell it from a job.
constexpr std::chrono::milliseconds between_looks{20};
constexpr int looks = 5;

constexpr std::chrono::seconds between_beats{5};
constexpr std::chrono::milliseconds between_beat_looks{500};
constexpr int looks_for_beat = 30;
/// A lock file that nobody has written for longer was left behind. Network file systems may show old times for a while.
constexpr double older_is_dead_s = 60;
/// For the ranks of a cut-off node to notice that they are alone, and to end.
constexpr std::chrono::seconds longest_wait{150};
/// For two hosts to see what the other one wrote.
constexpr std::chrono::milliseconds settle{500};

bool known(const lock_holder& who) {
  return !who.host.empty() && who.process > 0;
}

std::string name_of(const lock_holder& who) {
  return "process " + std::to_string(who.process) + " on " + who.host +
         (who.job.empty() ? "" : ", SLURM job " + who.job);
}

double seconds_since_1970() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

/// What a holder writes, always of the same length, so that a reader sees all of one or all of the other. Versions
/// before 0.2.0 read and wrote the first line alone.
std::string text_of(const lock_holder& who) {
  return fmt::format("{} {} {}\n{:.3f} {:.3f} {}\n", who.host, who.process, who.job.empty() ? "-" : who.job, who.since,
                     who.clock, who.token);
}

/// All files are opened with O_NONBLOCK: a pipe of that name would make the opening wait for its other end.
lock_holder read_holder(int descriptor) {
  std::array<char, 512> text{};
  lock_holder who;
  if (::pread(descriptor, text.data(), text.size() - 1, 0) > 0) {
    std::istringstream lines(plain_text(text.data()));
    std::string line;
    std::getline(lines, line);
    std::istringstream words(line);
    words >> who.host >> who.process >> who.job;
    who.job = who.job == "-" ? "" : who.job;
    lines >> who.since >> who.clock >> who.token;
  }
  return who;
}

lock_holder read_holder(const std::filesystem::path& path) {
  // Opened anew: so network file systems look at the server's file.
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) {
    return {};
  }
  lock_holder who = read_holder(descriptor);
  ::close(descriptor);
  return who;
}

[[noreturn]] void refuse(const std::filesystem::path& file, const std::filesystem::path& lock, const lock_holder& who) {
  std::string message = file.string() + " is in use by another job";
  if (known(who)) {
    message += " (" + name_of(who) + ")";
  }
  throw input_error(message + "; wait for it to end. If no job uses it, remove " + lock.string());
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

bool write_holder(int descriptor, const lock_holder& who) {
  const std::string text = text_of(who);
  return ::pwrite(descriptor, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size());
}

/// Seconds since a file was written, by the clock of its file system; nothing if that cannot be told.
std::optional<double> age_of(int descriptor, const std::filesystem::path& path) {
  const std::string probe = path.string() + '.' + new_token();
  const int made = ::open(probe.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (made < 0) {
    return std::nullopt;
  }
  struct ::stat now {};
  struct ::stat then {};
  const bool known = ::write(made, "\n", 1) == 1 && ::fstat(made, &now) == 0 && ::fstat(descriptor, &then) == 0;
  ::close(made);
  ::unlink(probe.c_str());
  return known ? std::optional(static_cast<double>(now.st_mtim.tv_sec - then.st_mtim.tv_sec)) : std::nullopt;
}

void pause(std::chrono::milliseconds time, const std::filesystem::path& file) {
  const auto end = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < end) {
    if (interrupted()) {
      throw interrupted_error("interrupted while waiting for the lock of " + file.string() +
                              "; the same command tries again");
    }
    std::this_thread::sleep_for(between_looks);
  }
}

/// Whether a holder on another host lives: it writes its clock into the file again and again.
bool beats(int descriptor, const std::filesystem::path& path, const lock_holder& who,
           const std::filesystem::path& file) {
  const auto age_s = age_of(descriptor, path);
  if (age_s && *age_s > older_is_dead_s) {
    return false;
  }
  log_info(path.string() + " is of " + name_of(who) + "; looking for up to 15 s whether it is alive");
  for (int look = 0; look < looks_for_beat; ++look) {
    pause(between_beat_looks, file);
    const lock_holder now = read_holder(path);
    if (now.token != who.token || now.clock != who.clock) {
      return true;
    }
  }
  return false;
}

/// Whether another process has the lock that this one has opened, and locked if `locked`, else `error` says why not.
bool is_held(int descriptor, const std::filesystem::path& path, bool locked, int error, const lock_holder& who,
             const std::filesystem::path& file) {
  if (error == EWOULDBLOCK) {
    return true;
  }
  // The file system has no flock (ENOLCK, EOPNOTSUPP), or maybe keeps it to one host: so the text decides.
  if (!known(who)) {
    return false;
  }
  if (who.host == host_name()) {
    return !locked && !is_dead_here(who);
  }
  return who.clock > 0 ? beats(descriptor, path, who, file) : !locked;
}

}  // namespace

double clock_of(const lock_holder& holder, double here) {
  const bool elsewhere = holder.state != lock_state::free && holder.host != host_name();
  return elsewhere && holder.clock > 0 ? holder.clock : here;
}

lock_holder find_lock_holder(const std::filesystem::path& file) {
  const std::string path = lock_of(file).string();
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) {
    return {};
  }
  lock_holder who = read_holder(descriptor);
  struct ::stat text {};
  if (who.since == 0 && ::fstat(descriptor, &text) == 0) {
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
  const double now = seconds_since_1970();
  own_ = {lock_state::held, host_name(), ::getpid(), batch_job().value_or(""), now, now, new_token()};
  take(file);
  thread_ = start_without_signals([this] {
    std::unique_lock hold(mutex_);
    while (!woken_.wait_for(hold, between_beats, [this] { return ends_; })) {
      beat();
    }
  });
}

void file_lock::take(const std::filesystem::path& file) {
  const auto begin = std::chrono::steady_clock::now();
  bool told = false;
  for (int look = 1;; ++look) {
    // Another user may have put a link of this name into a shared directory: what it leads to is not ours to write.
    descriptor_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW, 0666);
    const int obstacle = descriptor_ < 0 ? errno : 0;
    if (obstacle == EACCES && look < looks && remove_dead_lock(path_)) {
      continue;
    }
    if (obstacle != 0) {
      throw environment_error("cannot make the lock " + path_.string() + ": " + std::strerror(obstacle));
    }
    try {
      const bool locked = ::flock(descriptor_, LOCK_EX | LOCK_NB) == 0;
      const int error = locked ? 0 : errno;
      const lock_holder who = read_holder(descriptor_);
      if (is_held(descriptor_, path_, locked, error, who, file)) {
        ::close(std::exchange(descriptor_, -1));
        const bool own_job = !own_.job.empty() && who.job == own_.job;
        if (!own_job && look >= looks) {
          refuse(file, path_, who);
        }
        if (own_job && std::chrono::steady_clock::now() - begin > longest_wait) {
          throw interrupted_error(file.string() + " is still in use by an earlier start of this job (" + name_of(who) +
                                  "); put the job back into its queue, or remove " + path_.string() +
                                  " if that process is dead");
        }
        if (own_job && !std::exchange(told, true)) {
          log_warning(file.string() + " is in use by an earlier start of this job (" + name_of(who) +
                      "); waiting for its end");
        }
        pause(own_job ? std::chrono::milliseconds(1000) : between_looks, file);
        continue;
      }
      if (!still_named(descriptor_, path_)) {
        ::close(std::exchange(descriptor_, -1));
        continue;
      }
      if (known(who) && who.host != own_.host && who.job != own_.job) {
        log_warning(
            path_.string() + " was left behind by " + name_of(who) +
            " and is taken over; should that job still run, end one of the two: these nodes then share no locks");
      }
      if (::ftruncate(descriptor_, 0) != 0 || !write_holder(descriptor_, own_)) {
        const int failure = errno;
        ::unlink(path_.c_str());
        throw environment_error("cannot write the lock " + path_.string() + ": " + std::strerror(failure));
      }
      if (!locked) {
        // Another host may have written at the same moment. The last one has the lock.
        pause(settle, file);
        if (read_holder(path_).token != own_.token) {
          ::close(std::exchange(descriptor_, -1));
          continue;
        }
      }
      return;
    } catch (...) {
      if (descriptor_ >= 0) {
        ::close(descriptor_);
      }
      throw;
    }
  }
}

void file_lock::beat() {
  const lock_holder now = read_holder(descriptor_);
  if (now.token != own_.token) {
    if (known(now)) {
      log_warning_once(path_.string() + " was taken over by " + name_of(now) + "; end one of the two jobs");
    }
    return;
  }
  own_.clock = seconds_since_1970();
  write_holder(descriptor_, own_);  // A disk that is full now has room for what was there.
}

file_lock::~file_lock() {
  {
    const std::lock_guard hold(mutex_);
    ends_ = true;
  }
  woken_.notify_all();
  thread_.join();
  if (read_holder(path_).token == own_.token) {
    ::unlink(path_.c_str());
  }
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
