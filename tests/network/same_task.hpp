#pragma once

#include <spikesweep/network/transition.hpp>

namespace spikesweep::testing {

/// Equal to the last bit.
inline bool same_block(const transition_block& a, const transition_block& b) {
  return a.before == b.before && a.after == b.after && a.spikes == b.spikes && a.spike_times_E == b.spike_times_E &&
         a.spike_times_I == b.spike_times_I && a.duration == b.duration && a.phase == b.phase &&
         a.perturbed == b.perturbed && a.capped == b.capped;
}

}  // namespace spikesweep::testing
