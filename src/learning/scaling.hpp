#pragma once

#include <cstdint>
#include <span>

namespace spikesweep {

/// out[i] = sqrt(counts[i] / total), with vector instructions.
void root_shares(std::span<const std::int32_t> counts, double total, std::span<float> out);

/// values[i] = (values[i] - mean[i]) * scale[i], limited to +-bound, with vector instructions.
void scale_within(std::span<const float> mean, std::span<const float> scale, float bound, std::span<float> values);

}  // namespace spikesweep
