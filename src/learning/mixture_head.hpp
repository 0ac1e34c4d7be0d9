#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <spikesweep/learning/mixture.hpp>

namespace spikesweep {

/// The output layer of a mixture's network, for sampling: draws each row's component from its logits and computes the
/// mean and the precision factor of that component alone.
class mixture_head {
 public:
  /// `weights`: outputs x units, then `biases`: outputs, as in the network's parameters; those of the logits are not
  /// looked at.
  mixture_head(const mixture_shape& shape, int units, std::span<const float> weights, std::span<const float> biases);

  /// Draws one sample for each row. `logits`: rows x components; `hidden`: rows x units, activations of the last hidden
  /// layer; `uniforms`: rows, in [0, 1); `normals`: rows x dims; `samples`: rows x dims. A row's sample does not depend
  /// on the rows beside it.
  void sample(std::span<const float> logits, std::span<const float> hidden, std::span<const float> uniforms,
              std::span<const float> normals, std::span<double> samples);

 private:
  void draw_components(std::span<const float> logits, std::span<const float> uniforms);
  /// From a row's mean and factor in `outputs`.
  void solve(const float* outputs, const float* normals, double* sample) const;

  mixture_shape shape_;
  std::size_t units_;
  std::size_t stride_;                    ///< Outputs of a component, rounded up to whole vectors.
  std::vector<float> table_;              ///< components x (biases, then units) x stride
  std::vector<std::uint32_t> order_;      ///< Rows, by component.
  std::vector<std::uint32_t> component_;  ///< Of each row.
  std::vector<float> outputs_;            ///< Of the rows in hand.
};

}  // namespace spikesweep
