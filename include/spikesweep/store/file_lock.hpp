#pragma once

#include <filesystem>
#include <string>

namespace spikesweep {

/// Whether a job has the lock of a file.
enum class lock_state {
  free,
  held,
  unknown  ///< A lock file names another host, and this host's file system does not say whether it is locked there.
};

/// Who has, or had, the lock of a file.
struct lock_holder {
  lock_state state = lock_state::free;
  std::string host;  ///< Empty if nobody is named.
  long process = 0;  ///< On that host.
  std::string job;   ///< Its SLURM job; empty without.
  double since = 0;  ///< When the lock file was last written [s since 1970].
};

/// Looks without taking the lock, but for an instant that file_lock waits for. Rank-local.
lock_holder find_lock_holder(const std::filesystem::path& file);

/// A lock of our own against two jobs on one file: `FILE.lock` beside the real file, whatever links lead to it, holding
/// host, process and SLURM job, locked with flock where the file system can. Freed by the system when the process dies,
/// however it dies: a lock file left behind is taken over whatever it says, with a warning if it names another host.
/// Where flock is not available the holder written in the file counts, and one that is dead on this host is taken over.
/// Rank-local.
class file_lock {
 public:
  /// Throws input_error, naming the holder, if another process has the lock; environment_error if the lock file cannot
  /// be made.
  explicit file_lock(const std::filesystem::path& file);
  file_lock(const file_lock&) = delete;
  file_lock& operator=(const file_lock&) = delete;
  /// Removes the lock file.
  ~file_lock();

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
};

/// While one lives, nobody replaces the file that is read: see check_unused(). Any number of jobs may read. Does
/// nothing where the file cannot be locked. Rank-local.
class input_lock {
 public:
  explicit input_lock(const std::filesystem::path& file);
  input_lock(const input_lock&) = delete;
  input_lock& operator=(const input_lock&) = delete;
  ~input_lock();

 private:
  int descriptor_;
};

/// Throws input_error if another process has an input_lock of the file. Rank-local.
void check_unused(const std::filesystem::path& file);

}  // namespace spikesweep
