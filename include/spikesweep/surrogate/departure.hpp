#pragma once

#include <cstdint>

#include <spikesweep/surrogate/kernel.hpp>

namespace spikesweep {

/// How far the states of closed loops were from those of the network that the surrogate was trained on. A surrogate
/// that feeds on its own output may leave them, and then little that it learnt holds, whatever its parameters are.
struct departure {
  std::int64_t states = 0;  ///< That were looked at.
  std::int64_t beyond = 0;  ///< Of these, the ones beyond the limit of their phase's cloud (learning/cloud.hpp).
  double farthest = 0;      ///< The largest distance, in units of that limit.

  /// Of the states looked at; of the training states themselves it is 1 - cloud_share.
  double share_beyond() const { return states > 0 ? static_cast<double>(beyond) / static_cast<double>(states) : 0; }
};

/// Of so many calls of a kernel one is looked at: little beside the call, and odd, so that both kinds of alternating
/// phases are.
inline constexpr int departure_stride = 7;

/// The kernel, which now and then looks at the states that it is called with and adds to `seen`. Changes nothing else.
/// Keeps references to the model and to `seen`.
kernel watched(kernel step, const model& m, departure& seen);

}  // namespace spikesweep
