#pragma once

#include <memory>

#include <spikesweep/parallel/communicator.hpp>

namespace spikesweep {

/// Notices ranks that run no more: their node is dead or cut off, or somebody stopped them. MPI waits for such ranks
/// without end. Every rank tells rank 0 each second by UDP that it lives, from a thread of its own, and rank 0 answers.
/// It tells as well for how long it has waited for other ranks: if all of them do, two cannot reach each other.
///
/// After 60 s without a word from a rank, or in which all ranks waited for each other (SPIKESWEEP_SILENCE_S; 0: never),
/// rank 0 says so, and the job is broken. After a signal 10 s are enough. Then every rank that can be reached ends with
/// exit code 75, and rank 0 sees to it that mpirun ends too. A rank that has no word from rank 0 ends likewise. Time in
/// which the whole process stood still does not count, so a job may be suspended.
class pulse {
 public:
  /// Also sees that every two nodes reach each other, or waits without end: start_watch ends that. Collective. One rank
  /// has nobody to watch. Throws input_error if the variable holds no number of seconds.
  explicit pulse(const communicator& ranks);
  pulse(const pulse&) = delete;
  pulse& operator=(const pulse&) = delete;
  /// From here on nobody is missed.
  ~pulse();

 private:
  class watcher;
  std::unique_ptr<watcher> watcher_;
};

/// Whether ranks of this job are lost: no call of MPI that needs all of them ends any more. Rank-local.
bool job_is_broken();

/// While one lives, the rank looks at job_is_broken() at least every few seconds, saves what it has in hand, and calls
/// leave_broken_job(). Without one, a rank of a broken job is ended where it is: what it had to save is saved already.
class hand_over_guard {
 public:
  hand_over_guard();
  hand_over_guard(const hand_over_guard&) = delete;
  hand_over_guard& operator=(const hand_over_guard&) = delete;
  ~hand_over_guard();
};

/// Ends this process of a broken job within seconds, with exit code 75 and without a word to MPI.
[[noreturn]] void leave_broken_job();

}  // namespace spikesweep
