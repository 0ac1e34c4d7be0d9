#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include <spikesweep/learning/dispersion.hpp>

namespace spikesweep {

/// Computes the expected counts of a profile from its logits, group by group, with vector instructions. Not
/// thread-safe.
class cell_counts {
 public:
  /// `groups`: sizes of the consecutive softmax groups.
  explicit cell_counts(std::span<const int> groups);

  /// The expected count x of a cell is the softmax of its group times the total of the group. If `variance` is not
  /// empty, each x is multiplied by a log-normal factor of mean 1, so that no count becomes negative. `normals` are
  /// standard normals with the correlations of the cells. The factor adds the variance variance * x * min(x, 1): below
  /// one neuron the scatter of a cell comes from rounding to whole neurons. `totals` has one entry for each group, the
  /// other spans one for each cell. The result is valid until the next call.
  std::span<float> expect(std::span<const float> logits, std::span<const int> totals, std::span<const float> variance,
                          std::span<const float> normals);

 private:
  std::vector<std::size_t> groups_;
  std::size_t cells_;
  std::vector<float> out_;  ///< One for each cell, and room for one vector past the end.
};

}  // namespace spikesweep
