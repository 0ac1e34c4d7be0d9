#pragma once

#include <cstdint>

namespace spikesweep {

/// A spike of a step. All spikes of a step count as fired at its end.
struct step_spike {
  int neuron;  ///< E neurons come first.
  /// What drove it: recurrent over external excitation. Where single kicks trigger spikes: 1 for a recurrent kick,
  /// else 0.
  double recurrence;
};

/// Time in steps of fixed length.
class step_clock {
 public:
  explicit step_clock(double dt_ms) : dt_ms_(dt_ms) {}

  double dt_ms() const { return dt_ms_; }
  double time() const { return static_cast<double>(steps_) * dt_ms_ * 1e-3; }  ///< [s]
  /// Whether the next step would end after `limit` [s].
  bool reached(double limit) const {
    constexpr double tolerance = 1e-9;  // [s]; limits are sums of times, which carry rounding.
    return static_cast<double>(steps_ + 1) * dt_ms_ * 1e-3 > limit + tolerance;
  }
  void tick() { ++steps_; }

  /// The time. The length of a step is that which the clock was made with.
  template <class Archive>
  void serialize(Archive& archive, unsigned /*version*/) {
    archive& steps_;
  }

 private:
  double dt_ms_;
  std::int64_t steps_ = 0;
};

}  // namespace spikesweep
