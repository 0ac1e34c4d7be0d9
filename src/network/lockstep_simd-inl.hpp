// Vectors over lanes: random words, logarithm, memory. Included once for each instruction set.

#if defined(SPIKESWEEP_NETWORK_LOCKSTEP_SIMD_INL_HPP) == defined(HWY_TARGET_TOGGLE)
#ifdef SPIKESWEEP_NETWORK_LOCKSTEP_SIMD_INL_HPP
#undef SPIKESWEEP_NETWORK_LOCKSTEP_SIMD_INL_HPP
#else
#define SPIKESWEEP_NETWORK_LOCKSTEP_SIMD_INL_HPP
#endif

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <hwy/highway.h>

#include "network/lockstep_lanes.hpp"

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

#if HWY_TARGET == HWY_SCALAR

/// High halves of the 64-bit products.
HWY_INLINE words multiply_high(words a, words b) {
  return hn::Set(du, static_cast<std::uint32_t>((std::uint64_t{hn::GetLane(a)} * hn::GetLane(b)) >> 32));
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

/// One xoshiro128++ a lane (Blackman & Vigna 2021, ACM Trans. Math. Softw. 47:36).
struct word_generator {
  words s0, s1, s2, s3;

  HWY_INLINE words next() {
    const auto out = hn::Add(hn::RotateRight<32 - 7>(hn::Add(s0, s3)), s0);
    const auto t = hn::ShiftLeft<9>(s1);
    s2 = hn::Xor(s2, s0);
    s3 = hn::Xor(s3, s1);
    s1 = hn::Xor(s1, s2);
    s0 = hn::Xor(s0, s3);
    s2 = hn::Xor(s2, t);
    s3 = hn::RotateRight<32 - 11>(s3);
    return out;
  }

  /// States kept in four rows, from column `j` on.
  template <class Rows>
  static HWY_INLINE word_generator load(const Rows& rows, std::size_t j) {
    const auto at = [&](std::size_t k) HWY_ATTR { return hn::Load(du, rows[k].data() + j); };
    return {at(0), at(1), at(2), at(3)};
  }
  template <class Rows>
  HWY_INLINE void store(Rows& rows, std::size_t j) const {
    hn::Store(s0, du, rows[0].data() + j);
    hn::Store(s1, du, rows[1].data() + j);
    hn::Store(s2, du, rows[2].data() + j);
    hn::Store(s3, du, rows[3].data() + j);
  }
};

/// A whole number from -2^22 to 2^22, by way of the float whose last bit is worth 1: less work than a conversion that
/// has to saturate.
HWY_INLINE ints to_int(floats whole) {
  const auto shift = hn::Set(df, 0x1.8p23F);
  return hn::Sub(hn::BitCast(di, hn::Add(whole, shift)), hn::BitCast(di, shift));
}

/// The lanes of a vector that share a block of potentials.
constexpr std::size_t part = HWY_MIN(width, block_lanes);

using int_part_tag = hn::CappedTag<std::int32_t, part>;
using ints_part = hn::Vec<int_part_tag>;

/// A potential from each byte.
HWY_INLINE ints_part widen(std::uint64_t bytes) {
  const hn::Rebind<lane_potential, int_part_tag> narrow;
  alignas(8) lane_potential at[8];
  std::memcpy(at, &bytes, sizeof(bytes));
  return hn::PromoteTo(int_part_tag(), hn::Load(narrow, at));
}

template <std::size_t parts>
HWY_INLINE ints join(const std::array<ints_part, parts>& of) {
#if HWY_TARGET != HWY_SCALAR
  if constexpr (parts == 2) {
    return hn::Combine(di, of[1], of[0]);
  } else
#endif
  {
    return of[0];
  }
}

/// Where the lanes' potentials begin, for each part of a vector.
using potential_blocks = std::array<lane_potential*, width / part>;

/// One potential a lane: that of the neuron at `index` of `items`. Notes the neurons in `neuron`, for the way back.
/// Plain loads, put together in plain registers: a gather instruction takes longer than much of the rest of a step, and
/// keeps the vector units busy. Compilers must not shuffle the indices out of the vector, which takes them, too.
HWY_INLINE ints gather_potentials(const potential_blocks& blocks, const std::uint16_t* items, ints index,
                                  std::int32_t* neuron) {
  alignas(64) std::int32_t at[width];
  hn::Store(index, di, at);
  asm volatile("" : : "r"(at) : "memory");
  std::array<ints_part, width / part> v;
  for (std::size_t b = 0; b < width / part; ++b) {
    std::array<std::uint32_t, 2> bytes{};
    for (std::size_t i = 0; i < part; ++i) {
      const std::uint32_t n = items[at[b * part + i]];
      neuron[b * part + i] = static_cast<std::int32_t>(n);
      bytes[i / 4] |= std::uint32_t{static_cast<std::uint8_t>(blocks[b][std::ptrdiff_t{block_lanes} * n + i])}
                      << (8 * (i % 4));
    }
    asm("" : "+r"(bytes[0]), "+r"(bytes[1]));  // Two short chains, where compilers would make one long one.
    v[b] = widen(bytes[0] | (std::uint64_t{bytes[1]} << 32));
  }
  return join(v);
}

/// Writes potentials back where they came from.
HWY_INLINE void scatter_potentials(const potential_blocks& blocks, const std::int32_t* neuron, ints value) {
  const hn::Rebind<lane_potential, int_tag> narrow;
  alignas(64) lane_potential what[width];
  hn::Store(hn::DemoteTo(narrow, value), narrow, what);
  asm volatile("" : : "r"(what) : "memory");
  for (std::size_t b = 0; b < width / part; ++b) {
    for (std::size_t i = 0; i < part; ++i) {
      blocks[b][std::ptrdiff_t{block_lanes} * neuron[b * part + i] + i] = what[b * part + i];
    }
  }
}

}  // namespace spikesweep::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
