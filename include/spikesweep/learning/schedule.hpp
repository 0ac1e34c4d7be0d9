#pragma once

#include <cstdint>

namespace spikesweep {

/// Learning rate of step `step` (from 0) of `total`: a linear rise over `warmup` steps to `peak`, then half a cosine to
/// zero at step `total` (Loshchilov & Hutter, ICLR 2017).
double warmup_cosine(double peak, std::int64_t step, std::int64_t warmup, std::int64_t total);

}  // namespace spikesweep
