#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <vector>

#include <spikesweep/base/error.hpp>
#include <spikesweep/learning/profile.hpp>

// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "learning/profile.cpp"
#include <hwy/foreach_target.h>  // Has to come before highway.h.
#include <hwy/highway.h>
#include <hwy/contrib/math/math-inl.h>
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace spikesweep::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// One softmax group. Loads and stores run past `size` into the next group's lanes or the padding, so groups are
/// written in ascending order. Returns the cross-entropy; writes weight times its gradient unless `gradient` is null.
float profile_group(const float* logits, const float* shares, std::size_t size, float weight, float* gradient) {
  const hn::ScalableTag<float> d;
  const std::size_t lanes = hn::Lanes(d);
  const auto nothing = hn::Set(d, std::numeric_limits<float>::lowest());
  auto highest = nothing;
  auto mass = hn::Zero(d);
  auto inner = hn::Zero(d);
  for (std::size_t i = 0; i < size; i += lanes) {
    const auto mask = hn::FirstN(d, size - i);
    const auto x = hn::LoadU(d, logits + i);
    const auto share = hn::IfThenElseZero(mask, hn::LoadU(d, shares + i));
    highest = hn::Max(highest, hn::IfThenElse(mask, x, nothing));
    mass = hn::Add(mass, share);
    inner = hn::Add(inner, hn::IfThenElseZero(mask, hn::Mul(share, x)));
  }
  highest = hn::MaxOfLanes(d, highest);
  auto sum = hn::Zero(d);
  for (std::size_t i = 0; i < size; i += lanes) {
    const auto mask = hn::FirstN(d, size - i);
    const auto value = hn::IfThenElseZero(mask, hn::Exp(d, hn::Sub(hn::LoadU(d, logits + i), highest)));
    sum = hn::Add(sum, value);
    if (gradient != nullptr) {
      hn::StoreU(value, d, gradient + i);
    }
  }
  const float total = hn::GetLane(hn::SumOfLanes(d, sum));
  const float group_weight = hn::GetLane(hn::SumOfLanes(d, mass));
  if (gradient != nullptr) {
    const auto scale = hn::Set(d, group_weight / total);
    const auto w = hn::Set(d, weight);
    for (std::size_t i = 0; i < size; i += lanes) {
      const auto value = hn::MulSub(hn::LoadU(d, gradient + i), scale, hn::LoadU(d, shares + i));
      hn::StoreU(hn::Mul(w, value), d, gradient + i);
    }
  }
  return group_weight * (hn::GetLane(highest) + std::log(total)) - hn::GetLane(hn::SumOfLanes(d, inner));
}

double profile_loss_rows(std::span<const int> groups, std::span<const float> logits, std::span<const float> shares,
                         std::span<const float> weights, std::span<float> gradient) {
  const auto width = static_cast<std::size_t>(std::accumulate(groups.begin(), groups.end(), 0));
  const std::size_t padded = width + hn::Lanes(hn::ScalableTag<float>());
  std::vector<float> scratch(3 * padded);
  float* x = scratch.data();
  float* share = x + padded;
  float* out = gradient.empty() ? nullptr : share + padded;
  double loss = 0;
  for (std::size_t row = 0; row < weights.size(); ++row) {
    if (weights[row] == 0) {
      if (out != nullptr) {
        std::fill_n(gradient.data() + row * width, width, 0.0F);
      }
      continue;
    }
    std::memcpy(x, logits.data() + row * width, width * sizeof(float));
    std::memcpy(share, shares.data() + row * width, width * sizeof(float));
    std::size_t begin = 0;
    for (const int group : groups) {
      const auto size = static_cast<std::size_t>(group);
      const float entropy =
          profile_group(x + begin, share + begin, size, weights[row], out == nullptr ? nullptr : out + begin);
      loss += static_cast<double>(weights[row]) * static_cast<double>(entropy);
      begin += size;
    }
    if (out != nullptr) {
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
