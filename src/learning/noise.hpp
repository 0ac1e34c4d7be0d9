#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <spikesweep/base/random.hpp>

namespace spikesweep {

/// Draws many standard normals of a random stream at a time, with vector instructions. They depend on the stream alone;
/// only their last bits differ between instruction sets.
class normal_source {
 public:
  /// `count`: the number of normals in a draw.
  explicit normal_source(std::size_t count);

  /// Draws `count` normals by the method of Box and Muller (1958). With uniforms of 32 bits their tails end at 6.7
  /// standard deviations.
  std::span<const float> draw(random_stream& stream);
  /// The random words that the last draw used. They are new blocks of the stream; word j of block i is at
  /// j * (number of blocks) + i.
  std::span<const std::uint32_t> words() const { return words_; }

 private:
  std::size_t count_;
  std::size_t pairs_;  ///< Pairs of normals: whole vectors of every instruction set.
  std::vector<std::uint32_t> words_;
  std::vector<float> normals_;
};

}  // namespace spikesweep
