#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

namespace spikesweep {

/// Words of a rank get lost, but not so many in a row [s]. After a signal so much silence is enough.
constexpr double short_silence_s = 10;
/// A longer pause between two looks was no silence of the others: this process stood still [s].
constexpr double longest_look_s = 1;

/// After so much silence ranks count as lost [s]: SPIKESWEEP_SILENCE_S, or 60; 0: never. Throws input_error if the
/// variable holds no number of seconds.
double silence_limit_s();

/// For rank 0, once all ranks have found each other: writes "started" for scripts (SPIKESWEEP_EXIT_FILE).
void note_start();

/// For rank 0: writes its exit code into that file.
void note_end(int code);

/// For the ranks of a job that ends because ranks are lost. Rank 0, and every other rank on the node of mpirun, since
/// rank 0 may be the one that is lost, writes the exit code for scripts (SPIKESWEEP_EXIT_FILE), and kills mpirun 20 s
/// later if it still waits for a lost node.
void end_launcher_of_broken_job(int rank);

/// Ends this process with exit code 75 if MPI does not start while the object lives: MPI waits without end for a rank
/// that it cannot reach. The limit is silence_limit_s(), and more for many ranks; 10 s after a signal. Rank 0 says so.
class start_watch {
 public:
  /// Throws as silence_limit_s().
  start_watch();
  start_watch(const start_watch&) = delete;
  start_watch& operator=(const start_watch&) = delete;
  ~start_watch();

 private:
  void watch(double limit_s, int rank);

  std::mutex mutex_;
  std::condition_variable told_;
  bool over_ = false;
  std::thread thread_;
};

}  // namespace spikesweep
