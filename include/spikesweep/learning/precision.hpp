#pragma once

#include <string_view>

namespace spikesweep {

/// In what numbers the products are computed. Parameters, inputs, outputs and gradients are fp32 at the border always.
enum class precision {
  fp32,
  bf16  ///< Weights, activations and their gradients rounded to bfloat16; sums in fp32. Needs has_bf16().
};

constexpr std::string_view name_of(precision p) {
  return p == precision::bf16 ? "bf16" : "fp32";
}

}  // namespace spikesweep
