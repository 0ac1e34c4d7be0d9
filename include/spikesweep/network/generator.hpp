#pragma once

#include <bit>
#include <cstdint>

#include <spikesweep/base/portable_math.hpp>
#include <spikesweep/base/random.hpp>

namespace spikesweep {

/// xoshiro256++ 1.0 (Blackman & Vigna 2021, ACM Trans. Math. Softw. 47:36): the random numbers of a simulation's
/// events, of which it takes so many that a counter-based generator would be most of its time. Seeded from a
/// random_stream: two such generators overlap within 2^64 numbers with a chance of 2^-191.
class event_generator {
 public:
  explicit event_generator(random_stream& seeds) : s_{seeds.word64(), seeds.word64(), seeds.word64(), seeds.word64()} {}

  /// Uniform over all 64-bit words.
  std::uint64_t word64() {
    const std::uint64_t out = std::rotl(s_[0] + s_[3], 23) + s_[0];
    const std::uint64_t t = s_[1] << 17;
    s_[2] ^= s_[0];
    s_[3] ^= s_[1];
    s_[1] ^= s_[2];
    s_[0] ^= s_[3];
    s_[2] ^= t;
    s_[3] = std::rotl(s_[3], 45);
    return out;
  }

  /// Uniform in (0, 1), as open_unit() has it.
  double uniform() { return open_unit(word64()); }

  /// Exponential of mean 1. Always inline, for the inner loop of the oracle: a call would take 5 % of its time.
  [[gnu::always_inline]] double exponential() { return -portable_log(uniform()); }

  /// Uniform in {0, ..., n-1}; bias below n / 2^32.
  std::uint32_t below(std::uint32_t n) { return static_cast<std::uint32_t>(((word64() >> 32) * n) >> 32); }

  template <class Archive>
  void serialize(Archive& archive, unsigned /*version*/) {
    archive& s_;
  }

 private:
  std::uint64_t s_[4];
};

}  // namespace spikesweep
