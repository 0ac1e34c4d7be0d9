#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include <spikesweep/network/transition.hpp>

namespace spikesweep::testing {

/// Equal to the last bit.
inline bool same_block(const transition_block& a, const transition_block& b) {
  return a.before == b.before && a.after == b.after && a.spikes == b.spikes && a.spike_times_E == b.spike_times_E &&
         a.spike_times_I == b.spike_times_I && a.duration == b.duration && a.phase == b.phase &&
         a.perturbed == b.perturbed && a.capped == b.capped;
}

/// Equal to the last bit, or both undefined.
inline bool same_numbers(const std::vector<double>& a, const std::vector<double>& b) {
  return std::ranges::equal(a, b, [](double x, double y) { return x == y || (std::isnan(x) && std::isnan(y)); });
}

}  // namespace spikesweep::testing
