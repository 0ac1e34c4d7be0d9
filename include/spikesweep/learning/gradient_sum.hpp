#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <spikesweep/base/error.hpp>
#include <spikesweep/parallel/communicator.hpp>

namespace spikesweep {

/// A gradient was not finite: the training left the range in which it can go on.
struct divergence_error : environment_error {
  divergence_error();
};

/// Sums gradients of the slices of a batch over slices and ranks in fixed point, so that the sum does not depend on
/// their order: training gives the same bits whatever rank works on which slice. Costs twice the traffic of floats.
/// Resolution 2^-40 (9e-13); AdamW's epsilon makes smaller gradients immaterial.
class gradient_sum {
 public:
  explicit gradient_sum(std::size_t size) : sums_(size + 1, 0), total_(size, 0.0F) {}

  void clear();
  /// Adds one slice's gradient.
  void add(std::span<const float> gradient);
  /// Sums over all ranks; valid until clear(). Throws divergence_error on every rank if an element on any rank was not
  /// finite or larger than 10^5. Collective.
  std::span<float> all_reduce(const communicator& comm);

 private:
  std::vector<std::int64_t> sums_;  ///< Of each element, then the number of slices that could not be summed.
  std::vector<float> total_;
  bool empty_ = true;  ///< Nothing was added since clear(): `sums_` holds what it held before.
};

}  // namespace spikesweep
