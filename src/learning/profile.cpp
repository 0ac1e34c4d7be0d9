#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <vector>

#include <spikesweep/base/error.hpp>
#include <spikesweep/learning/profile.hpp>

// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "learning/profile.cpp"
#include <hwy/foreach_target.h>  // Has to come before highway.h.
#include <hwy/highway.h>
#include "learning/softmax-inl.hpp"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace spikesweep::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// One softmax group. Loads and stores run past `size` into the next group's lanes or the padding, so groups come in
/// ascending order. Returns the cross-entropy. Writes weight times its gradient to `out` if `differentiates`; otherwise
/// what it leaves there has no meaning.
float profile_group(const float* logits, const float* shares, std::size_t size, float weight, bool differentiates,
                    float* out) {
  const hn::ScalableTag<float> d;
  const std::size_t lanes = hn::Lanes(d);
  auto mass = hn::Zero(d);
  auto inner = hn::Zero(d);
  for (std::size_t i = 0; i < size; i += lanes) {
    const auto mask = hn::FirstN(d, size - i);
    const auto share = hn::IfThenElseZero(mask, hn::LoadU(d, shares + i));
    mass = hn::Add(mass, share);
    inner = hn::Add(inner, hn::IfThenElseZero(mask, hn::Mul(share, hn::LoadU(d, logits + i))));
  }
  const float group_weight = hn::GetLane(hn::SumOfLanes(d, mass));
  const exponential_sum sum = exponentials(logits, size, out);
  if (differentiates) {
    const auto scale = hn::Set(d, group_weight / sum.total);
    const auto w = hn::Set(d, weight);
    for (std::size_t i = 0; i < size; i += lanes) {
      const auto value = hn::MulSub(hn::LoadU(d, out + i), scale, hn::LoadU(d, shares + i));
      hn::StoreU(hn::Mul(w, value), d, out + i);
    }
  }
  return group_weight * (sum.highest + std::log(sum.total)) - hn::GetLane(hn::SumOfLanes(d, inner));
}

double profile_loss_rows(std::span<const int> groups, std::span<const float> logits, std::span<const float> shares,
                         std::span<const float> weights, std::span<float> gradient) {
  const auto width = static_cast<std::size_t>(std::accumulate(groups.begin(), groups.end(), 0));
  const std::size_t padded = width + hn::Lanes(hn::ScalableTag<float>());
  std::vector<float> scratch(3 * padded);
  float* x = scratch.data();
  float* share = x + padded;
  float* out = share + padded;
  const bool differentiates = !gradient.empty();
  double loss = 0;
  for (std::size_t row = 0; row < weights.size(); ++row) {
    if (weights[row] == 0) {
      if (differentiates) {
        std::fill_n(gradient.data() + row * width, width, 0.0F);
      }
      continue;
    }
    std::memcpy(x, logits.data() + row * width, width * sizeof(float));
    std::memcpy(share, shares.data() + row * width, width * sizeof(float));
    std::size_t begin = 0;
    for (const int group : groups) {
      const auto size = static_cast<std::size_t>(group);
      const float entropy = profile_group(x + begin, share + begin, size, weights[row], differentiates, out + begin);
      loss += static_cast<double>(weights[row]) * static_cast<double>(entropy);
      begin += size;
    }
    if (differentiates) {
      std::memcpy(gradient.data() + row * width, out, width * sizeof(float));
    }
  }
  return loss;
}

}  // namespace spikesweep::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spikesweep {

namespace {

HWY_EXPORT(profile_loss_rows);

}  // namespace

double profile_loss(std::span<const int> groups, std::span<const float> logits, std::span<const float> shares,
                    std::span<const float> weights, std::span<float> gradient) {
  SPIKESWEEP_ASSERT(logits.size() == shares.size() && (gradient.empty() || gradient.size() == logits.size()));
  SPIKESWEEP_ASSERT(logits.size() == weights.size() * std::accumulate(groups.begin(), groups.end(), std::size_t{0}));
  return HWY_DYNAMIC_DISPATCH(profile_loss_rows)(groups, logits, shares, weights, gradient);
}

}  // namespace spikesweep
#endif  // HWY_ONCE
