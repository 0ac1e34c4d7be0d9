#include <chrono>
#include <optional>
#include <thread>

#include <spikesweep/base/error.hpp>
#include <spikesweep/base/stopwatch.hpp>
#include <spikesweep/parallel/interrupt.hpp>
#include <spikesweep/study/watch.hpp>

namespace spikesweep {

namespace {

/// A file is unreadable for an instant while another file takes its place. A file that stays unreadable is no sweep
/// file.
constexpr int most_failures = 3;
/// The longest time until a signal is noticed.
constexpr std::chrono::milliseconds doze{50};

void sleep_unless_interrupted(double seconds) {
  const auto begin = steady_clock::now();
  while (!interrupted() && seconds_since(begin) < seconds) {
    std::this_thread::sleep_for(doze);
  }
}

}  // namespace

void watch_status(const std::string& target, double interval_s, const watch_hooks& hooks) {
  const interrupt_guard guard;
  int failures = 0;
  bool seen_at_work = false;
  while (!interrupted()) {
    try {
      if (const std::optional<target_status> status = find_status(target)) {
        hooks.show(*status);
        const bool at_work = status->at_work();
        if (status->over() || (seen_at_work && !at_work)) {
          return;
        }
        seen_at_work = at_work;
      } else {
        hooks.wait();
      }
      failures = 0;
    } catch (const input_error&) {
      if (++failures == most_failures) {
        throw;
      }
    }
    sleep_unless_interrupted(interval_s);
  }
}

}  // namespace spikesweep
