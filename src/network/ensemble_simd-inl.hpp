// Vectors over lanes: Philox, logarithm, memory. Included once for each instruction set.

#if defined(SPIKESWEEP_NETWORK_ENSEMBLE_SIMD_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef SPIKESWEEP_NETWORK_ENSEMBLE_SIMD_INL_HPP
#undef SPIKESWEEP_NETWORK_ENSEMBLE_SIMD_INL_HPP
#else
#define SPIKESWEEP_NETWORK_ENSEMBLE_SIMD_INL_HPP
#endif

#include <array>
#include <cstdint>

#include <hwy/highway.h>

#include "network/ensemble_lanes.hpp"

HWY_BEFORE_NAMESPACE();
namespace spikesweep::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using float_tag = hn::CappedTag<float, lane_count>;
using int_tag = hn::RebindToSigned<float_tag>;
using word_tag = hn::RebindToUnsigned<float_tag>;
using floats = hn::Vec<float_tag>;
using ints = hn::Vec<int_tag>;
using words = hn::Vec<word_tag>;
using float_mask = hn::Mask<float_tag>;

constexpr float_tag df;
constexpr int_tag di;
constexpr word_tag du;
constexpr std::size_t width = hn::MaxLanes(float_tag());

constexpr std::uint32_t lane_bits = (std::uint32_t{1} << width) - 1;

constexpr int round_count = 10;
constexpr std::uint32_t multiplier_0 = 0xD2511F53U;
constexpr std::uint32_t multiplier_1 = 0xCD9E8D57U;
constexpr int steps_per_group = 4;

using round_keys = std::array<std::array<std::uint32_t, 2>, round_count>;

struct philox_block {
  words w0, w1, w2, w3;
};

#if HWY_TARGET == HWY_SCALAR

/// High halves of the 64-bit products.
HWY_INLINE words multiply_high(words a, words b) {
  return hn::Set(du, static_cast<std::uint32_t>((std::uint64_t{hn::GetLane(a)} * hn::GetLane(b)) >> 32));
}

/// Philox4x32-10, one counter a lane.
HWY_INLINE philox_block philox(const round_keys& key, words c0, words c1, words c2, words c3) {
  for (const auto& k : key) {
    const std::uint64_t p0 = std::uint64_t{multiplier_0} * hn::GetLane(c0);
    const std::uint64_t p1 = std::uint64_t{multiplier_1} * hn::GetLane(c2);
    c0 = hn::Set(du, static_cast<std::uint32_t>(p1 >> 32) ^ hn::GetLane(c1) ^ k[0]);
    c1 = hn::Set(du, static_cast<std::uint32_t>(p1));
    c2 = hn::Set(du, static_cast<std::uint32_t>(p0 >> 32) ^ hn::GetLane(c3) ^ k[1]);
    c3 = hn::Set(du, static_cast<std::uint32_t>(p0));
  }
  return {c0, c1, c2, c3};
}

#else

using wide_tag = hn::RepartitionToWide<word_tag>;

/// The odd words, moved to the even places.
HWY_INLINE words odd_words(words x) {
  return hn::BitCast(du, hn::ShiftRight<32>(hn::BitCast(wide_tag(), x)));
}

HWY_INLINE words high_words(hn::Vec<wide_tag> product) {
  return hn::BitCast(du, hn::ShiftRight<32>(product));
}

/// High halves of the 64-bit products.
HWY_INLINE words multiply_high(words a, words b) {
  return hn::OddEven(hn::BitCast(du, hn::MulEven(odd_words(a), odd_words(b))), high_words(hn::MulEven(a, b)));
}

/// Even words from the even places of one, odd words from the even places of the other.
HWY_INLINE words join_words(words even, words odd) {
  return hn::OddEven(hn::BitCast(du, hn::ShiftLeft<32>(hn::BitCast(wide_tag(), odd))), even);
}

/// Philox4x32-10, one counter a lane. Even and odd lanes go apart, so that a product's two halves stay in place.
HWY_INLINE philox_block philox(const round_keys& key, words c0, words c1, words c2, words c3) {
  const auto m0 = hn::Set(du, multiplier_0);
  const auto m1 = hn::Set(du, multiplier_1);
  auto o0 = odd_words(c0);
  auto o1 = odd_words(c1);
  auto o2 = odd_words(c2);
  auto o3 = odd_words(c3);
  for (const auto& k : key) {
    const auto k0 = hn::Set(du, k[0]);
    const auto k1 = hn::Set(du, k[1]);
    const auto p0 = hn::MulEven(c0, m0);
    const auto p1 = hn::MulEven(c2, m1);
    const auto q0 = hn::MulEven(o0, m0);
    const auto q1 = hn::MulEven(o2, m1);
    c0 = hn::Xor3(high_words(p1), c1, k0);
    c1 = hn::BitCast(du, p1);
    c2 = hn::Xor3(high_words(p0), c3, k1);
    c3 = hn::BitCast(du, p0);
    o0 = hn::Xor3(high_words(q1), o1, k0);
    o1 = hn::BitCast(du, q1);
    o2 = hn::Xor3(high_words(q0), o3, k1);
    o3 = hn::BitCast(du, q0);
  }
  return {join_words(c0, o0), join_words(c1, o1), join_words(c2, o2), join_words(c3, o3)};
}

#endif

/// Exponential of mean 1: -log((w / 2 + 1/2) 2^-31), relative error below 2e-7.
/// log(m) = 2 atanh((m-1)/(m+1)).
HWY_INLINE floats exponential(words w) {
  const auto one = hn::Set(df, 1.0F);
  const auto x = hn::Add(hn::ConvertTo(df, hn::BitCast(di, hn::ShiftRight<1>(w))), hn::Set(df, 0.5F));
  constexpr std::int32_t sqrt_half_bits = 0x3f3504f3;
  const auto bits = hn::BitCast(di, x);
  const auto exponent = hn::ShiftRight<23>(hn::Sub(bits, hn::Set(di, sqrt_half_bits)));
  const auto m = hn::BitCast(df, hn::Sub(bits, hn::ShiftLeft<23>(exponent)));
  const auto s = hn::Div(hn::Sub(m, one), hn::Add(m, one));
  const auto t = hn::Mul(s, s);
  auto series = hn::Add(hn::Mul(t, hn::Set(df, 2.0F / 7)), hn::Set(df, 2.0F / 5));
  series = hn::Add(hn::Mul(t, series), hn::Set(df, 2.0F / 3));
  series = hn::Add(hn::Mul(t, series), hn::Set(df, 2.0F));
  const auto halvings = hn::ConvertTo(df, hn::Sub(hn::Set(di, 31), exponent));
  return hn::Sub(hn::Mul(halvings, hn::Set(df, 0.693147180559945309F)), hn::Mul(s, series));
}

/// Uniform in [0, 1): a multiple of 2^-24.
HWY_INLINE floats fraction(words w) {
  return hn::Mul(hn::ConvertTo(df, hn::BitCast(di, hn::ShiftRight<8>(w))), hn::Set(df, 0x1p-24F));
}

/// 16-bit items at indices.
HWY_INLINE ints gather_items(const std::uint16_t* items, ints index) {
#if HWY_TARGET <= HWY_AVX2
  const auto pair = hn::GatherOffset(di, reinterpret_cast<const std::int32_t*>(items), hn::Add(index, index));
  return hn::And(pair, hn::Set(di, 0xffff));
#else
  alignas(64) std::int32_t at[width];
  hn::Store(index, di, at);
  for (auto& i : at) {
    i = items[i];
  }
  return hn::Load(di, at);
#endif
}

HWY_INLINE ints gather(const std::int32_t* base, ints index) {
  return hn::GatherIndex(di, base, index);
}

/// A scatter by plain stores: faster than the instruction where there is one, if lanes are read back from memory and
/// not shuffled out of the vectors, which compilers would do if they saw through the arrays.
HWY_INLINE void scatter(ints value, std::int32_t* base, ints index) {
  alignas(64) std::int32_t at[width];
  alignas(64) std::int32_t what[width];
  hn::Store(index, di, at);
  hn::Store(value, di, what);
  asm volatile("" : : "r"(at), "r"(what) : "memory");
  for (std::size_t i = 0; i < width; ++i) {
    base[at[i]] = what[i];
  }
}

}  // namespace spikesweep::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
