#pragma once

#include <array>
#include <csignal>
#include <functional>

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

/// While one lives, the first look of its thread at the count that finds a signal also calls `note`, once: to write
/// down that the end was asked for, before anything else. What has to be saved then takes a while, and some launchers
/// kill after a second. Of several the last one made is called first. What `note` throws is lost.
class interrupt_note {
 public:
  explicit interrupt_note(std::function<void()> note);
  ~interrupt_note();
  interrupt_note(const interrupt_note&) = delete;
  interrupt_note& operator=(const interrupt_note&) = delete;

 private:
  friend int interrupts();
  std::function<void()> note_;  ///< Empty once it was called.
  interrupt_note* outer_;
};

/// Signals counted since the outermost guard was made.
int interrupts();

/// Whether this process was asked to end.
inline bool interrupted() {
  return interrupts() > 0;
}

}  // namespace spikesweep
