#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <spikesweep/learning/mixture.hpp>

namespace spikesweep {

/// The output layer of the network of a mixture, for sampling. For each row it draws a component from the logits, and
/// computes the mean and the precision factor of this component alone. Not thread-safe.
class mixture_head {
 public:
  /// `weights`: outputs x units; `biases`: outputs; both as in the parameters of the network. Those of the logits are
  /// not used.
  mixture_head(const mixture_shape& shape, int units, std::span<const float> weights, std::span<const float> biases);

  /// Draws one sample for each row. `logits`: rows x components; `hidden`: rows x units, activations of the last hidden
  /// layer; `uniforms`: rows, in [0, 1); `normals`: rows x dims; `samples`: rows x dims. The sample of a row
  /// does not depend on the other rows.
  void sample(std::span<const float> logits, std::span<const float> hidden, std::span<const float> uniforms,
              std::span<const float> normals, std::span<double> samples);

 private:
  void draw_components(std::span<const float> logits, std::span<const float> uniforms);
  /// Computes the sample of a row from the mean and the factor in `outputs`.
  void solve(const float* outputs, const float* normals, double* sample) const;

  mixture_shape shape_;
  std::size_t units_;
  std::size_t stride_;                    ///< Outputs of a component, rounded up to whole vectors.
  std::vector<float> table_;              ///< components x (biases, then units) x stride
  std::vector<std::uint32_t> order_;      ///< Rows, sorted by component.
  std::vector<std::uint32_t> component_;  ///< The drawn component of each row.
  std::vector<float> outputs_;            ///< Outputs of the rows that are being computed.
};

}  // namespace spikesweep
