#pragma once

#include <array>
#include <csignal>
#include <functional>
#include <thread>

#include <spikesweep/parallel/event.hpp>

namespace spikesweep {

/// While one lives, SIGTERM, SIGINT and SIGUSR1 are counted instead of ending the process. Every rank needs one,
/// because launchers send signals to all; rank 0 alone acts on the count. May be nested: the outermost one starts from
/// zero.
class interrupt_guard {
 public:
  interrupt_guard();
  interrupt_guard(const interrupt_guard&) = delete;
  interrupt_guard& operator=(const interrupt_guard&) = delete;
  /// Restores the handlers there were. SIGUSR1, which asks for a hand-over, no longer ends the process after the
  /// outermost guard: there is nothing left to hand over, and the work that is done has not failed.
  ~interrupt_guard();

 private:
  friend void count_interrupts_to_the_end();
  static constexpr std::array<int, 3> signals_{SIGTERM, SIGINT, SIGUSR1};
  std::array<struct sigaction, signals_.size()> previous_{};
};

/// The same for the rest of the process: for a program whose work heeds interrupted() from its first step to its last.
/// So no signal ends it while MPI starts, or once everything is done.
void count_interrupts_to_the_end();

/// While one lives, `note` is called once after the first signal, by a thread of its own: to write down that the end
/// was asked for, however busy the other threads are. Some launchers kill a second after their signal. So `note` may
/// not call MPI or HDF5. What it throws is lost.
class interrupt_note {
 public:
  explicit interrupt_note(std::function<void()> note);
  /// Waits until `note` has returned, if it was called.
  ~interrupt_note();
  interrupt_note(const interrupt_note&) = delete;
  interrupt_note& operator=(const interrupt_note&) = delete;

 private:
  void await() const;

  std::function<void()> note_;
  event end_;
  std::thread thread_;
};

/// Signals counted since the outermost guard was made.
int interrupts();

/// Whether this process was asked to end.
inline bool interrupted() {
  return interrupts() > 0;
}

}  // namespace spikesweep
