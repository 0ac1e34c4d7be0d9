#pragma once

#include <string_view>

namespace spikesweep {

/// The number type of matrix products. Parameters, inputs, outputs and gradients that callers see are always fp32.
enum class precision {
  fp32,
  bf16  ///< Weights, activations and their gradients rounded to bfloat16; sums in fp32. Needs has_bf16().
};

constexpr std::string_view name_of(precision p) {
  return p == precision::bf16 ? "bf16" : "fp32";
}

}  // namespace spikesweep
