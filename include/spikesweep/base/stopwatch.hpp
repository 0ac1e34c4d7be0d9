#pragma once

#include <chrono>

namespace spikesweep {

using steady_clock = std::chrono::steady_clock;

/// [s]
inline double seconds_since(steady_clock::time_point start) {
  return std::chrono::duration<double>(steady_clock::now() - start).count();
}

/// Adds the time that it lives to a sum [s].
class stopwatch {
 public:
  explicit stopwatch(double& sum) : sum_(sum) {}
  stopwatch(const stopwatch&) = delete;
  stopwatch& operator=(const stopwatch&) = delete;
  ~stopwatch() { sum_ += seconds_since(start_); }

 private:
  double& sum_;
  steady_clock::time_point start_ = steady_clock::now();
};

}  // namespace spikesweep
