#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <spikesweep/base/random.hpp>

namespace spikesweep {

/// Standard normals of a random stream, many at a time, in vectors. What is drawn depends on the stream alone, but for
/// the last bits, which differ between instruction sets.
class normal_source {
 public:
  /// `count`: normals of a draw.
  explicit normal_source(std::size_t count);

  /// Draws `count` normals: Box and Muller (1958), whose tails end at 6.7 standard deviations with uniforms of 32 bits.
  std::span<const float> draw(random_stream& stream);
  /// The words behind the last draw: fresh blocks of the stream, word j of block i at j blocks + i.
  std::span<const std::uint32_t> words() const { return words_; }

 private:
  std::size_t count_;
  std::size_t pairs_;  ///< Of normals; whole vectors of every instruction set.
  std::vector<std::uint32_t> words_;
  std::vector<float> normals_;
};

}  // namespace spikesweep
