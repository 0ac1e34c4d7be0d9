#pragma once

#include <cstdint>
#include <span>

namespace spikesweep {

/// Sum over rows of weight times the cross-entropy of several softmax groups [nat]. `groups`: sizes of the consecutive
/// groups of a row; `logits` and `shares`: rows x sum of the sizes. The shares of a group are not negative and sum to
/// the weight of the group, which may be zero. Unless `gradient` is empty, writes the gradient with respect to the
/// logits there.
double profile_loss(std::span<const int> groups, std::span<const float> logits, std::span<const float> shares,
                    std::span<const float> weights, std::span<float> gradient);

}  // namespace spikesweep
