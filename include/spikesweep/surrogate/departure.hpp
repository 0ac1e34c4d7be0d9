#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include <spikesweep/surrogate/kernel.hpp>

namespace spikesweep {

/// How far the states of closed loops were from those of the network that the surrogate was trained on. A surrogate
/// that feeds on its own output may leave them, and then little that it learnt holds, whatever its parameters are.
struct departure {
  std::int64_t states = 0;  ///< That were looked at.
  std::int64_t beyond = 0;  ///< Of these, the ones beyond the limit of their phase's cloud (learning/cloud.hpp).
  double farthest = 0;      ///< The largest distance, in units of that limit; 0 if no state was looked at.

  /// Of the states looked at; of the training states themselves it is 1 - cloud_share. NaN if there was none.
  double share_beyond() const { return of_looked_at(static_cast<double>(beyond) / static_cast<double>(states)); }
  /// `farthest`; NaN if no state was looked at.
  double farthest_state() const { return of_looked_at(farthest); }

 private:
  double of_looked_at(double value) const { return states > 0 ? value : std::numeric_limits<double>::quiet_NaN(); }
};

/// Every 7th call of a kernel is looked at. That costs little beside the call, and 7 is odd, so that both kinds of
/// alternating phases are looked at.
inline constexpr int departure_stride = 7;

/// Looks at states of a model's chains. Keeps a reference to the model. One object is for one thread.
class state_watch {
 public:
  explicit state_watch(const model& m) : m_(m), outline_(m.space.layout.state), numbers_(outline_.size()) {}

  /// Adds the state of a chain to `seen`. Phases that nobody trained on have no training states to be compared with.
  void at(const chain& c, departure& seen);

 private:
  const model& m_;
  state_outline outline_;
  std::vector<double> numbers_;
};

/// The kernel, which looks at the states of every 7th call and adds them to `seen`. It changes nothing else. Keeps
/// references to the model and to `seen`.
kernel watched(kernel step, const model& m, departure& seen);

}  // namespace spikesweep
