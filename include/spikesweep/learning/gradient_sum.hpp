#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <spikesweep/base/error.hpp>
#include <spikesweep/parallel/communicator.hpp>

namespace spikesweep {

/// A gradient was not finite, so the training cannot go on from here.
struct divergence_error : environment_error {
  divergence_error();
};

/// Sums the gradients of the slices of a batch over slices and ranks, in fixed point. A fixed-point sum does not depend
/// on the order of its terms, so training gives the same bits whichever rank works on which slice. The ranks send twice
/// as many bytes as they would for floats. The resolution is 2^-40 (9e-13); smaller gradients do not matter beside
/// AdamW's epsilon.
class gradient_sum {
 public:
  /// `slices`: how many are added at most before a clear(), on all ranks together.
  gradient_sum(std::size_t size, int slices);

  void clear();
  /// Adds the gradient of one slice.
  void add(std::span<const float> gradient);
  /// The sum over all ranks; valid until clear() is called. Throws divergence_error on every rank if any rank added an
  /// element that is not finite or whose absolute value is above 10^5, or 8 10^6 / slices. Collective.
  std::span<float> all_reduce(const communicator& comm);

 private:
  std::vector<std::int64_t> sums_;  ///< Sums of the elements, then the number of slices that could not be summed.
  std::vector<float> total_;
  float largest_;
  bool empty_ = true;  ///< Nothing was added after clear(); `sums_` still holds old sums.
};

}  // namespace spikesweep
