#include <atomic>
#include <exception>
#include <utility>

#include <spikesweep/parallel/interrupt.hpp>
#include <spikesweep/parallel/signal_stack.hpp>

namespace spikesweep {

namespace {

// A signal handler can reach nothing but globals.
std::atomic<int> signal_count{0};
std::atomic<int> guards{0};
thread_local interrupt_note* innermost_note = nullptr;
static_assert(std::atomic<int>::is_always_lock_free, "a signal handler may not wait for a lock");

extern "C" void count_signal(int) {
  signal_count.fetch_add(1, std::memory_order_relaxed);
}

void count(int signal, struct sigaction* previous) {
  struct sigaction action {};
  action.sa_handler = count_signal;
  action.sa_flags = SA_RESTART | SA_ONSTACK;  // MPI's and HDF5's system calls go on.
  sigemptyset(&action.sa_mask);
  sigaction(signal, &action, previous);
}

void begin_to_count() {
  if (guards++ == 0) {
    signal_count = 0;
  }
  use_signal_stack();
}

}  // namespace

interrupt_guard::interrupt_guard() {
  begin_to_count();
  for (std::size_t i = 0; i < signals_.size(); ++i) {
    count(signals_[i], &previous_[i]);
  }
}

interrupt_guard::~interrupt_guard() {
  for (std::size_t i = 0; i < signals_.size(); ++i) {
    if (guards == 1 && signals_[i] == SIGUSR1 && previous_[i].sa_handler == SIG_DFL) {
      previous_[i].sa_handler = SIG_IGN;
    }
    sigaction(signals_[i], &previous_[i], nullptr);
  }
  --guards;
}

void count_interrupts_to_the_end() {
  begin_to_count();
  for (const int signal : interrupt_guard::signals_) {
    count(signal, nullptr);
  }
}

interrupt_note::interrupt_note(std::function<void()> note) : note_(std::move(note)), outer_(innermost_note) {
  innermost_note = this;
}

interrupt_note::~interrupt_note() {
  innermost_note = outer_;
}

int interrupts() {
  const int count = signal_count.load(std::memory_order_relaxed);
  for (interrupt_note* of = innermost_note; count > 0 && of != nullptr; of = of->outer_) {
    // Taken out first: to write it down may look at the count, too.
    if (const auto note = std::exchange(of->note_, {})) {
      try {
        note();
      } catch (const std::exception&) {  // NOLINT(bugprone-empty-catch): the end goes on, and tells what fails in it.
      }
    }
  }
  return count;
}

}  // namespace spikesweep
