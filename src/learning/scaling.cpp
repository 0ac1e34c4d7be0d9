#include "scaling.hpp"

#include <cstddef>

// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "learning/scaling.cpp"
#include <hwy/foreach_target.h>  // Has to come before highway.h.
#include <hwy/highway.h>
#include "learning/partial-inl.hpp"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace spikesweep::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

void root_shares_in_vectors(const std::int32_t* counts, std::size_t n, float total, float* out) {
  const hn::ScalableTag<float> d;
  const hn::RebindToSigned<decltype(d)> di;
  const auto all = hn::Set(d, total);
  for (std::size_t i = 0; i < n; i += hn::Lanes(d)) {
    const auto count = load_first(di, counts + i, n - i);
    const auto root = hn::Sqrt(hn::Div(hn::ConvertTo(d, count), all));
    store_first(root, d, out + i, n - i);
  }
}

void scale_within_in_vectors(const float* mean, const float* scale, std::size_t n, float bound, float* values) {
  const hn::ScalableTag<float> d;
  for (std::size_t i = 0; i < n; i += hn::Lanes(d)) {
    const auto centred = hn::Sub(load_first(d, values + i, n - i), load_first(d, mean + i, n - i));
    const auto scaled = hn::Mul(centred, load_first(d, scale + i, n - i));
    store_first(hn::Clamp(scaled, hn::Set(d, -bound), hn::Set(d, bound)), d, values + i, n - i);
  }
}

}  // namespace spikesweep::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spikesweep {

namespace {

HWY_EXPORT(root_shares_in_vectors);
HWY_EXPORT(scale_within_in_vectors);

}  // namespace

void root_shares(std::span<const std::int32_t> counts, double total, std::span<float> out) {
  HWY_DYNAMIC_DISPATCH(root_shares_in_vectors)(counts.data(), counts.size(), static_cast<float>(total), out.data());
}

void scale_within(std::span<const float> mean, std::span<const float> scale, float bound, std::span<float> values) {
  HWY_DYNAMIC_DISPATCH(scale_within_in_vectors)(mean.data(), scale.data(), values.size(), bound, values.data());
}

}  // namespace spikesweep
#endif  // HWY_ONCE
