#include "noise.hpp"

#include <numbers>

#include <spikesweep/base/error.hpp>

// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "learning/noise.cpp"
#include <hwy/foreach_target.h>  // Has to come before highway.h.
#include <hwy/highway.h>
#include <hwy/contrib/math/math-inl.h>
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace spikesweep::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using word_tag = hn::ScalableTag<std::uint32_t>;
using words = hn::Vec<word_tag>;

/// Both halves of the 64-bit products.
struct product {
  words low;
  words high;
};

#if HWY_TARGET == HWY_SCALAR

HWY_INLINE product multiply(words a, words b) {
  const word_tag d;
  const std::uint64_t both = std::uint64_t{hn::GetLane(a)} * hn::GetLane(b);
  return {hn::Set(d, static_cast<std::uint32_t>(both)), hn::Set(d, static_cast<std::uint32_t>(both >> 32))};
}

#else

HWY_INLINE product multiply(words a, words b) {
  const word_tag d;
  const hn::RepartitionToWide<word_tag> wide;
  const auto even = hn::MulEven(a, b);
  const auto odd = hn::MulEven(hn::BitCast(d, hn::ShiftRight<32>(hn::BitCast(wide, a))), b);
  return {hn::OddEven(hn::BitCast(d, hn::ShiftLeft<32>(odd)), hn::BitCast(d, even)),
          hn::OddEven(hn::BitCast(d, odd), hn::BitCast(d, hn::ShiftRight<32>(even)))};
}

#endif

/// Philox4x32-10 (Salmon et al., SC 2011), one block in each lane. `blocks` is a multiple of the number of lanes.
void philox_blocks(const random_stream::block_range& range, std::size_t blocks, std::uint32_t* out) {
  const word_tag d;
  const auto multiplier_0 = hn::Set(d, 0xD2511F53U);
  const auto multiplier_1 = hn::Set(d, 0xCD9E8D57U);
  constexpr std::uint32_t weyl_0 = 0x9E3779B9U;
  constexpr std::uint32_t weyl_1 = 0xBB67AE85U;
  constexpr int rounds = 10;
  for (std::size_t i = 0; i < blocks; i += hn::Lanes(d)) {
    auto x0 = hn::Iota(d, range.first + static_cast<std::uint32_t>(i));
    auto x1 = hn::Set(d, range.high);
    auto x2 = hn::Set(d, range.a);
    auto x3 = hn::Set(d, range.b);
    std::uint32_t key_0 = range.key[0];
    std::uint32_t key_1 = range.key[1];
    for (int round = 0; round < rounds; ++round) {
      const auto p0 = multiply(x0, multiplier_0);
      const auto p1 = multiply(x2, multiplier_1);
      x0 = hn::Xor(hn::Xor(p1.high, x1), hn::Set(d, key_0));
      x1 = p1.low;
      x2 = hn::Xor(hn::Xor(p0.high, x3), hn::Set(d, key_1));
      x3 = p0.low;
      key_0 += weyl_0;
      key_1 += weyl_1;
    }
    hn::StoreU(x0, d, out + i);
    hn::StoreU(x1, d, out + blocks + i);
    hn::StoreU(x2, d, out + 2 * blocks + i);
    hn::StoreU(x3, d, out + 3 * blocks + i);
  }
}

/// `pairs` is a multiple of the lanes.
void box_muller(const std::uint32_t* from, std::size_t pairs, float* out) {
  const hn::ScalableTag<float> d;
  const hn::RebindToSigned<decltype(d)> di;
  const word_tag du;
  // Halves of the words, which conversions of signed numbers can take; centred, so that no uniform is zero.
  const auto uniform = [&](const std::uint32_t* at) {
    const auto half = hn::ConvertTo(d, hn::BitCast(di, hn::ShiftRight<1>(hn::LoadU(du, at))));
    return hn::Mul(hn::Add(half, hn::Set(d, 0.5F)), hn::Set(d, 0x1p-31F));
  };
  const auto turn = hn::Set(d, 2 * std::numbers::pi_v<float>);
  for (std::size_t i = 0; i < pairs; i += hn::Lanes(d)) {
    const auto radius = hn::Sqrt(hn::Mul(hn::Set(d, -2.0F), hn::Log(d, uniform(from + i))));
    const auto angle = hn::Mul(turn, uniform(from + pairs + i));
    hn::StoreU(hn::Mul(radius, hn::Cos(d, angle)), d, out + i);
    hn::StoreU(hn::Mul(radius, hn::Sin(d, angle)), d, out + pairs + i);
  }
}

}  // namespace spikesweep::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spikesweep {

namespace {

HWY_EXPORT(philox_blocks);
HWY_EXPORT(box_muller);

/// Lanes of the widest vectors. All instruction sets draw the same blocks because of it.
constexpr std::size_t most_lanes = 16;

std::size_t whole_vectors(std::size_t n) {
  return (n + most_lanes - 1) / most_lanes * most_lanes;
}

}  // namespace

normal_source::normal_source(std::size_t count)
    : count_(count),
      pairs_(whole_vectors((count + 1) / 2)),
      words_(4 * whole_vectors((2 * pairs_ + 3) / 4)),
      normals_(2 * pairs_) {}

std::span<const float> normal_source::draw(random_stream& stream) {
  const std::size_t blocks = words_.size() / 4;
  HWY_DYNAMIC_DISPATCH(philox_blocks)(stream.take_blocks(static_cast<std::uint32_t>(blocks)), blocks, words_.data());
  HWY_DYNAMIC_DISPATCH(box_muller)(words_.data(), pairs_, normals_.data());
  return std::span(normals_).first(count_);
}

}  // namespace spikesweep
#endif  // HWY_ONCE
