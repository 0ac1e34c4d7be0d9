// The softmax in vectors. Included once for each instruction set.

#if defined(SPIKESWEEP_LEARNING_SOFTMAX_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef SPIKESWEEP_LEARNING_SOFTMAX_INL_HPP
#undef SPIKESWEEP_LEARNING_SOFTMAX_INL_HPP
#else
#define SPIKESWEEP_LEARNING_SOFTMAX_INL_HPP
#endif

#include <cstddef>
#include <limits>

#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

#include "learning/partial-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace spikesweep::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// What exponentials() finds: the largest logit, and the sum over all logits of exp(logit - largest logit).
struct exponential_sum {
  float highest;
  float total;
};

/// The numerators of a softmax: writes exp(logit - largest logit) of `size` logits to `out`. It reads nothing past the
/// logits, but it writes whole vectors: what follows in the last one is zero.
HWY_INLINE exponential_sum exponentials(const float* logits, std::size_t size, float* out) {
  const hn::ScalableTag<float> d;
  const auto nothing = hn::Set(d, std::numeric_limits<float>::lowest());
  auto highest = nothing;
  for (std::size_t i = 0; i < size; i += hn::Lanes(d)) {
    const auto x = load_first(d, logits + i, size - i);
    highest = hn::Max(highest, hn::IfThenElse(hn::FirstN(d, size - i), x, nothing));
  }
  highest = hn::MaxOfLanes(d, highest);
  auto sum = hn::Zero(d);
  for (std::size_t i = 0; i < size; i += hn::Lanes(d)) {
    const auto x = hn::Sub(load_first(d, logits + i, size - i), highest);
    const auto value = hn::IfThenElseZero(hn::FirstN(d, size - i), hn::Exp(d, x));
    sum = hn::Add(sum, value);
    hn::StoreU(value, d, out + i);
  }
  return {hn::GetLane(highest), hn::GetLane(hn::SumOfLanes(d, sum))};
}

}  // namespace spikesweep::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
