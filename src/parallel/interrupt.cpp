#include <array>
#include <atomic>
#include <cerrno>
#include <exception>
#include <utility>

#include <poll.h>

#include <spikesweep/parallel/interrupt.hpp>
#include <spikesweep/parallel/signal_stack.hpp>
#include <spikesweep/parallel/signals.hpp>

namespace spikesweep {

namespace {

// A signal handler can reach nothing but globals.
std::atomic<int> signal_count{0};
std::atomic<int> guards{0};
std::atomic<const event*> first_signal{nullptr};
static_assert(std::atomic<int>::is_always_lock_free && std::atomic<const event*>::is_always_lock_free,
              "a signal handler may not wait for a lock");

extern "C" void count_signal(int) {
  signal_count.fetch_add(1, std::memory_order_relaxed);
  if (const event* const happened = first_signal.load(std::memory_order_acquire)) {
    happened->happen();
  }
}

void count(int signal, struct sigaction* previous) {
  struct sigaction action {};
  action.sa_handler = count_signal;
  action.sa_flags = SA_RESTART | SA_ONSTACK;  // MPI's and HDF5's system calls go on.
  sigemptyset(&action.sa_mask);
  sigaction(signal, &action, previous);
}

/// Happens at the first signal that is counted. Never closed: a signal may come until the process ends.
const event& signal_event() {
  static const event* const of_process = new event();
  first_signal = of_process;
  return *of_process;
}

void begin_to_count() {
  if (guards++ == 0) {
    signal_event().undo();
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

interrupt_note::interrupt_note(std::function<void()> note) : note_(std::move(note)) {
  if (end_.works()) {
    thread_ = start_without_signals([this] { await(); });
  }
}

interrupt_note::~interrupt_note() {
  if (thread_.joinable()) {
    end_.happen();
    thread_.join();
  }
}

void interrupt_note::await() const {
  std::array<::pollfd, 2> both{::pollfd{signal_event().number(), POLLIN, 0}, ::pollfd{end_.number(), POLLIN, 0}};
  while (::poll(both.data(), both.size(), -1) < 0 && errno == EINTR) {
  }
  if (interrupted()) {
    try {
      note_();
    } catch (const std::exception&) {  // NOLINT(bugprone-empty-catch): the end goes on, and tells what fails in it.
    }
  }
}

int interrupts() {
  return signal_count.load(std::memory_order_relaxed);
}

}  // namespace spikesweep
