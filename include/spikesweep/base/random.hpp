#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <utility>

#include <Random123/philox.h>

#include <spikesweep/base/portable_math.hpp>

namespace spikesweep {

/// A number in (0, 1) from uniform bits: a multiple of 2^-53 plus 2^-54, rounded.
inline double open_unit(std::uint64_t bits) {
  const double u = (static_cast<double>(bits >> 11) + 0.5) * 0x1p-53;
  // The largest sum rounds up to 1. Nothing waits for a branch that is never taken, as it would for a minimum.
  if (u >= 1) [[unlikely]] {
    return 1 - 0x1p-53;
  }
  return u;
}

/// What a random stream is for: streams of different purposes never share a number.
enum class purpose : std::uint32_t {
  task = 1,        ///< One task of a sweep: (point, replicate).
  perturbation,    ///< Perturbed sections of a task.
  design,          ///< Latin hypercube, roles of points.
  initial,         ///< Initial weights.
  shuffle,         ///< Order of the training rows.
  dequantisation,  ///< Uniform noise added to counts.
  surrogate,       ///< Closed loops of the surrogate.
  validation,      ///< Exact runs that the surrogate is compared with.
  simulate,        ///< `spikesweep simulate`.
  test,            ///< Tests.
  lane_events,     ///< Events of a network in lockstep: seeds their generator.
  lane_targets,    ///< Targets of spikes in lockstep.
  blocks,          ///< Order of the blocks of training rows that are streamed.
  calibration,     ///< Randomised calibration of the law, by task.
  spike_times,     ///< Where in its part of a phase a surrogate's spike falls.
  raster,          ///< Single spikes of a surrogate.
  regression       ///< Where the searches of a Gaussian process start.
};

/// A stream of random numbers: Philox4x32-10 (Salmon et al., SC 2011) in counter mode. The stream is a function of
/// (seed, purpose, a, b) alone and its numbers are the same on every machine. Copying a stream copies its position.
class random_stream {
 public:
  random_stream(std::uint64_t seed, purpose use, std::uint32_t a = 0, std::uint32_t b = 0)
      : key_{{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)}},
        high_(static_cast<std::uint32_t>(use) << 24),
        a_(a),
        b_(b) {}

  /// Consecutive blocks of four words each, for whoever computes many at once: block i is Philox4x32-10 of the counter
  /// (first + i, high, a, b).
  struct block_range {
    r123::Philox4x32::key_type key;
    std::uint32_t first;
    std::uint32_t high;
    std::uint32_t a;
    std::uint32_t b;
  };

  /// Sets the next `n` blocks aside; the other members draw none of their words. Skips what would make the lowest word
  /// of the counter overflow within the range.
  block_range take_blocks(std::uint32_t n) {
    if (static_cast<std::uint32_t>(block_) > ~std::uint32_t{0} - n) {
      block_ = ((block_ >> 32) + 1) << 32;
    }
    const block_range range{key_, static_cast<std::uint32_t>(block_), high_ | static_cast<std::uint32_t>(block_ >> 32),
                            a_, b_};
    block_ += n;
    return range;
  }

  /// Uniform over all 32-bit words.
  std::uint32_t word() {
    if (next_ == buffer_.size()) {
      refill();
    }
    return buffer_[next_++];
  }

  /// Uniform over all 64-bit words.
  std::uint64_t word64() {
    const std::uint64_t low = word();
    return low | (static_cast<std::uint64_t>(word()) << 32);
  }

  /// Uniform in (0, 1), as open_unit() has it.
  double uniform() { return open_unit(word64()); }

  /// Exponential of mean 1.
  double exponential() { return -portable_log(uniform()); }

  /// Uniform in {0, ..., n-1}, n in [1, 2^32); bias below n / 2^32.
  std::uint32_t below(std::uint32_t n) {
    return static_cast<std::uint32_t>((static_cast<std::uint64_t>(word()) * n) >> 32);
  }

  /// True with probability p, to 2^-32.
  bool bernoulli(double p) { return static_cast<double>(word()) < p * 0x1p32; }

  /// Standard normal, by Marsaglia's polar method.
  double normal() {
    for (;;) {
      const double x = 2.0 * uniform() - 1.0;
      const double y = 2.0 * uniform() - 1.0;
      const double r = x * x + y * y;
      if (r < 1.0 && r > 0.0) {
        return x * std::sqrt(-2.0 * portable_log(r) / r);
      }
    }
  }

  /// The position. (seed, purpose, a, b) are those that the stream was made with.
  template <class Archive>
  void serialize(Archive& archive, unsigned /*version*/) {
    archive& block_& buffer_& next_;
  }

 private:
  static constexpr std::size_t blocks_ = 4;  ///< Philox blocks drawn at once, so that they overlap in the pipeline.

  [[gnu::noinline]] void refill() {
    for (std::size_t i = 0; i < blocks_; ++i) {
      const std::uint64_t block = block_ + i;
      const r123::Philox4x32::ctr_type counter{
          {static_cast<std::uint32_t>(block), high_ | static_cast<std::uint32_t>(block >> 32), a_, b_}};
      const auto words = r123::Philox4x32()(counter, key_);
      for (std::size_t j = 0; j < 4; ++j) {
        buffer_[4 * i + j] = words[j];
      }
    }
    block_ += blocks_;
    next_ = 0;
  }

  r123::Philox4x32::key_type key_;
  std::uint32_t high_;
  std::uint32_t a_;
  std::uint32_t b_;
  std::uint64_t block_ = 0;
  std::array<std::uint32_t, 4 * blocks_> buffer_{};
  std::size_t next_ = 4 * blocks_;
};

/// One step of a Fisher-Yates shuffle: swaps one of the first `n` items, each with the same probability, with the item
/// at place n - 1. `random` is any generator with below(n); `n` is at least 1.
template <class Items, class Generator>
void shuffle_step(Items& items, std::size_t n, Generator& random) {
  std::swap(items[n - 1], items[random.below(static_cast<std::uint32_t>(n))]);
}

/// Fisher-Yates shuffle: puts the items into random order, each order with the same probability. `items` has size()
/// and operator[]; `random` is any generator with below(n).
template <class Items, class Generator>
void shuffle(Items&& items, Generator&& random) {
  for (std::size_t n = items.size(); n > 1; --n) {
    shuffle_step(items, n, random);
  }
}

}  // namespace spikesweep
