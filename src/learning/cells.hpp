#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include <spikesweep/learning/dispersion.hpp>

namespace spikesweep {

/// Expected counts of a profile from its logits, group by group, in vectors.
class cell_counts {
 public:
  /// `groups`: sizes of the consecutive softmax groups.
  explicit cell_counts(std::span<const int> groups);

  /// Softmax of each group times its total; then scattered about that, where `variance` is not empty, by correlated
  /// log-normal factors of mean 1, so that none turns negative: `normals` are standard and have the cells'
  /// correlations. The variance added is variance * x * min(x, 1): below one neuron a cell's scatter comes from
  /// rounding to whole neurons. All spans are as long as the groups together. Valid until the next call.
  std::span<float> expect(std::span<const float> logits, std::span<const int> totals, std::span<const float> variance,
                          std::span<const float> normals);

 private:
  std::vector<std::size_t> groups_;
  std::size_t cells_;
  std::vector<float> out_;  ///< cells, and room for a vector past the end.
};

}  // namespace spikesweep
