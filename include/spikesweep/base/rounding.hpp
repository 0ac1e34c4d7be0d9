#pragma once

#include <cstdint>
#include <span>

namespace spikesweep {

/// Whole counts from expected shares, with the least noise: systematic sampling. counts[i] = floor(c_i + u) -
/// floor(c_{i-1} + u), where c is the running sum of total * share. With u uniform in [0, 1) every count has its
/// expected mean and differs from it by less than 1; they sum to `total` exactly. Shares need not be normalised; all
/// zero puts everything into the first cell.
void systematic_rounding(std::span<const double> shares, int total, double u, std::span<std::int32_t> counts);
void systematic_rounding(std::span<const float> shares, int total, double u, std::span<std::int32_t> counts);

}  // namespace spikesweep
