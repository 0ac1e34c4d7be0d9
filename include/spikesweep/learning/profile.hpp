#pragma once

#include <cstdint>
#include <span>

namespace spikesweep {

/// Sum over rows of weight times the cross-entropy of several softmax groups [nat]. `groups`: sizes of the consecutive
/// groups of a row; `logits` and `shares`: rows x sum of the sizes. The shares of a group are non-negative and sum to
/// the group's own weight, which may be zero. Writes the gradient in the logits unless `gradient` is empty.
double profile_loss(std::span<const int> groups, std::span<const float> logits, std::span<const float> shares,
                    std::span<const float> weights, std::span<float> gradient);

}  // namespace spikesweep
