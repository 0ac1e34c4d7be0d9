#pragma once

#include <cstdint>

namespace spikesweep {

/// The learning rate of step `step`, counted from 0, of `total` steps: it rises linearly over `warmup` steps to `peak`,
/// then falls as half a cosine to zero at step `total` (Loshchilov & Hutter, ICLR 2017).
double warmup_cosine(double peak, std::int64_t step, std::int64_t warmup, std::int64_t total);

}  // namespace spikesweep
