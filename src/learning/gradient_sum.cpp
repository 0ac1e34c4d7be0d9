#include <algorithm>
#include <cmath>

#include <spikesweep/learning/gradient_sum.hpp>
#include <spikesweep/parallel/reduce.hpp>

// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "learning/gradient_sum.cpp"
#include <hwy/foreach_target.h>  // Has to come before highway.h.
#include <hwy/highway.h>
// clang-format on

#ifndef SPIKESWEEP_GRADIENT_SUM_SCALE
#define SPIKESWEEP_GRADIENT_SUM_SCALE
namespace spikesweep {

/// The number 1 in fixed point.
inline constexpr double gradient_scale = 0x1p40;
/// Largest element of a slice, and of the sum of all slices, which stays below 2^63 in fixed point.
inline constexpr float largest_gradient = 1e5F;
inline constexpr float largest_sum = 8e6F;

}  // namespace spikesweep
#endif

HWY_BEFORE_NAMESPACE();
namespace spikesweep::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// Conversions between 64-bit integers and floating-point numbers are exact, or they round the same way on every CPU.

/// Adds a slice to the sums; if `begins`, it sets them to the slice. Returns false if an element is not finite or
/// larger than `bound`.
template <bool begins>
bool take_slice(const float* gradient, std::int64_t* sums, std::size_t size, float bound) {
  const hn::ScalableTag<double> d;
  const hn::RebindToSigned<decltype(d)> di;
  const hn::Rebind<float, decltype(d)> df;
  const auto scale = hn::Set(d, gradient_scale);
  const auto largest = hn::Set(d, static_cast<double>(bound));
  auto good = hn::Eq(scale, scale);
  std::size_t i = 0;
  for (; i + hn::Lanes(d) <= size; i += hn::Lanes(d)) {
    const auto g = hn::PromoteTo(d, hn::LoadU(df, gradient + i));
    good = hn::And(good, hn::Le(hn::Abs(g), largest));  // False for NaN as well.
    const auto fixed = hn::ConvertTo(di, hn::Mul(g, scale));
    hn::StoreU(begins ? fixed : hn::Add(hn::LoadU(di, sums + i), fixed), di, sums + i);
  }
  bool rest_good = true;
  for (; i < size; ++i) {
    rest_good &= std::abs(gradient[i]) <= bound;
    const auto fixed = rest_good ? static_cast<std::int64_t>(static_cast<double>(gradient[i]) * gradient_scale) : 0;
    sums[i] = begins ? fixed : sums[i] + fixed;
  }
  return hn::AllTrue(d, good) && rest_good;
}

bool begin_sums(const float* gradient, std::int64_t* sums, std::size_t size, float bound) {
  return take_slice<true>(gradient, sums, size, bound);
}

bool add_slice(const float* gradient, std::int64_t* sums, std::size_t size, float bound) {
  return take_slice<false>(gradient, sums, size, bound);
}

void to_floats(const std::int64_t* sums, float* total, std::size_t size) {
  const hn::ScalableTag<double> d;
  const hn::RebindToSigned<decltype(d)> di;
  const hn::Rebind<float, decltype(d)> df;
  const auto scale = hn::Set(d, 1 / gradient_scale);
  std::size_t i = 0;
  for (; i + hn::Lanes(d) <= size; i += hn::Lanes(d)) {
    hn::StoreU(hn::DemoteTo(df, hn::Mul(hn::ConvertTo(d, hn::LoadU(di, sums + i)), scale)), df, total + i);
  }
  for (; i < size; ++i) {
    total[i] = static_cast<float>(static_cast<double>(sums[i]) / gradient_scale);
  }
}

}  // namespace spikesweep::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spikesweep {

namespace {

HWY_EXPORT(begin_sums);
HWY_EXPORT(add_slice);
HWY_EXPORT(to_floats);

}  // namespace

divergence_error::divergence_error()
    : environment_error("training diverged: the gradient is too large or not finite; lower learning.learning_rate") {}

gradient_sum::gradient_sum(std::size_t size, int slices)
    : sums_(size + 1, 0),
      total_(size, 0.0F),
      largest_(std::min(largest_gradient, largest_sum / static_cast<float>(slices))) {}

void gradient_sum::clear() {
  empty_ = true;
  sums_.back() = 0;
}

void gradient_sum::add(std::span<const float> gradient) {
  SPIKESWEEP_ASSERT(gradient.size() == total_.size());
  const bool good = empty_ ? HWY_DYNAMIC_DISPATCH(begin_sums)(gradient.data(), sums_.data(), gradient.size(), largest_)
                           : HWY_DYNAMIC_DISPATCH(add_slice)(gradient.data(), sums_.data(), gradient.size(), largest_);
  empty_ = false;
  sums_.back() += good ? 0 : 1;
}

std::span<float> gradient_sum::all_reduce(const communicator& comm) {
  if (empty_) {
    std::ranges::fill(sums_, 0);  // This rank had no slice.
  }
  if (comm.size() > 1) {
    all_reduce_sum(comm, std::span(sums_));
  }
  if (sums_.back() != 0) {
    throw divergence_error();
  }
  HWY_DYNAMIC_DISPATCH(to_floats)(sums_.data(), total_.data(), total_.size());
  return total_;
}

}  // namespace spikesweep
#endif  // HWY_ONCE
