#include "cells.hpp"

#include <numeric>

#include <spikesweep/base/error.hpp>

// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "learning/cells.cpp"
#include <hwy/foreach_target.h>  // Has to come before highway.h.
#include <hwy/highway.h>
#include <hwy/contrib/math/math-inl.h>
#include "learning/partial-inl.hpp"
#include "learning/softmax-inl.hpp"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace spikesweep::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// The softmax of a group, scaled to sum to `total`. Writes whole vectors, past the group's end.
void softmax_group(const float* logits, std::size_t size, float total, float* out) {
  const hn::ScalableTag<float> d;
  const auto scale = hn::Set(d, total / exponentials(logits, size, out).total);
  for (std::size_t i = 0; i < size; i += hn::Lanes(d)) {
    hn::StoreU(hn::Mul(scale, hn::LoadU(d, out + i)), d, out + i);
  }
}

void scatter_cells(const float* variance, const float* normals, std::size_t size, float* expected) {
  const hn::ScalableTag<float> d;
  const auto one = hn::Set(d, 1.0F);
  const auto half = hn::Set(d, 0.5F);
  for (std::size_t i = 0; i < size; i += hn::Lanes(d)) {
    const auto x = hn::LoadU(d, expected + i);
    const auto log_variance = hn::Log1p(d, hn::Div(load_first(d, variance + i, size - i), hn::Max(one, x)));
    const auto log_factor =
        hn::NegMulAdd(half, log_variance, hn::Mul(hn::Sqrt(log_variance), load_first(d, normals + i, size - i)));
    hn::StoreU(hn::Mul(x, hn::Exp(d, log_factor)), d, expected + i);
  }
}

}  // namespace spikesweep::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spikesweep {

namespace {

HWY_EXPORT(softmax_group);
HWY_EXPORT(scatter_cells);

/// Floats of the widest vectors.
constexpr std::size_t most_lanes = 16;

}  // namespace

cell_counts::cell_counts(std::span<const int> groups)
    : groups_(groups.begin(), groups.end()),
      cells_(std::accumulate(groups_.begin(), groups_.end(), std::size_t{0})),
      out_(cells_ + most_lanes) {}

std::span<float> cell_counts::expect(std::span<const float> logits, std::span<const int> totals,
                                     std::span<const float> variance, std::span<const float> normals) {
  SPIKESWEEP_ASSERT(logits.size() == cells_ && totals.size() == groups_.size());
  SPIKESWEEP_ASSERT(variance.empty() || (variance.size() == cells_ && normals.size() == cells_));
  // In ascending order: a group's last vector runs into the next one's cells.
  std::size_t begin = 0;
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    HWY_DYNAMIC_DISPATCH(softmax_group)
    (logits.data() + begin, groups_[g], static_cast<float>(totals[g]), out_.data() + begin);
    begin += groups_[g];
  }
  if (!variance.empty()) {
    HWY_DYNAMIC_DISPATCH(scatter_cells)(variance.data(), normals.data(), cells_, out_.data());
  }
  return std::span(out_).first(cells_);
}

}  // namespace spikesweep
#endif  // HWY_ONCE
