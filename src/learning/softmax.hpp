#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>

namespace spikesweep {

/// The numerators of a softmax: writes exp(logit - largest logit) of every logit to `out`, which has room for them, and
/// returns the sum of what it wrote. Logits are subtracted as `Difference`; exponentials and their sum are `Number`.
/// The logits must not be empty.
template <class Difference, class Number>
Number exponentials(std::span<const float> logits, std::span<Number> out) {
  const Difference highest = *std::ranges::max_element(logits);
  Number total = 0;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    out[i] = std::exp(static_cast<Number>(static_cast<Difference>(logits[i]) - highest));
    total += out[i];
  }
  return total;
}

}  // namespace spikesweep
