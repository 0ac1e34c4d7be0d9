#pragma once

#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <string>
#include <thread>

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
  double since = 0;  ///< When it took the lock, by its own clock [s since 1970].
  /// The same clock when it last wrote that it lives, every few seconds; 0: its version did not write it.
  double clock = 0;
  std::string token;  ///< No two holders have the same.
};

/// Looks without taking the lock, but for an instant that file_lock waits for. Rank-local.
lock_holder find_lock_holder(const std::filesystem::path& file);

/// Now, by the clock that a holder's files are written by [s since 1970]: its own, as it last wrote it, if it is on
/// another host. Clocks of hosts differ. `here`: now by the clock of this host.
double clock_of(const lock_holder& holder, double here);

/// A lock of our own against two jobs on one file: `FILE.lock` beside the real file, whatever links lead to it, holding
/// host, process and SLURM job, locked with flock where the file system can. Freed by the system when the process dies,
/// however it dies.
///
/// Some file systems have no flock, or keep it to one host. So the holder writes its clock into the file every 5 s. Who
/// finds a lock file of another host waits whether it does, for 15 s if the file is younger than a minute: then the
/// lock is held, and otherwise it was left behind and is taken over, with a warning. Rank-local.
class file_lock {
 public:
  /// Throws input_error, naming the holder, if another process has the lock; environment_error if the lock file cannot
  /// be made. Waits for an earlier start of this SLURM job, which a lost node may keep alive for a while; throws
  /// interrupted_error if it does not end, or after a signal: the job can be put back into its queue.
  explicit file_lock(const std::filesystem::path& file);
  file_lock(const file_lock&) = delete;
  file_lock& operator=(const file_lock&) = delete;
  /// Removes the lock file, unless another job has taken it over.
  ~file_lock();

 private:
  void take(const std::filesystem::path& file);
  /// Writes into the lock file that this process lives.
  void beat();

  std::filesystem::path path_;
  int descriptor_ = -1;
  lock_holder own_;
  std::mutex mutex_;
  std::condition_variable woken_;
  bool ends_ = false;
  std::thread thread_;  ///< Beats.
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
