#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include <spikesweep/base/random.hpp>
#include <spikesweep/learning/precision.hpp>

namespace spikesweep {

/// A multilayer perceptron with SiLU activations between layers and a linear output layer.
struct mlp_shape {
  int inputs = 0;
  std::vector<int> hidden;  ///< Units of each hidden layer.
  int outputs = 0;

  /// Units of each layer: inputs, hidden layers, outputs.
  std::vector<int> sizes() const;
  /// Length of the flat plain buffer of parameters. It holds for each layer the weights W (outputs x inputs, row-major;
  /// oneDNN's `oi`), then the biases b (outputs).
  std::size_t parameter_count() const;

  bool operator==(const mlp_shape&) const = default;
};

/// Whether this CPU has bfloat16 instructions (AVX512-BF16).
bool has_bf16();

/// Forward and backward passes of a perceptron for a fixed number of rows, with oneDNN inner products. Primitives and
/// memory are built once. Weights are copied from the plain layout to the layout that each primitive prefers. Results
/// may differ in the last bits between CPUs and thread counts. Not thread-safe.
class mlp {
 public:
  /// `rows` has to be above 0. With `training` the passes keep what backward() needs. Throws input_error for bf16 on a
  /// CPU without it.
  mlp(const mlp_shape& shape, int rows, bool training, precision wanted = precision::fp32);
  mlp(mlp&&) noexcept;
  mlp& operator=(mlp&&) noexcept;
  ~mlp();

  /// Sets the parameters, in the flat plain layout. Until the last forward() or backward() with these parameters the
  /// memory has to stay valid and, when training, must not change.
  void set_parameters(std::span<const float> parameters);
  /// The inputs, rows x inputs, row-major. The caller fills them.
  std::span<float> input();
  /// Computes the outputs, rows x outputs, row-major; valid until the next forward().
  std::span<const float> forward();
  /// The activations of the last hidden layer in the last forward(), rows x units; valid until the next forward(). The
  /// network must not be for training and must have a hidden layer.
  std::span<const float> last_hidden();
  /// The gradient of the loss with respect to the outputs, rows x outputs. The caller fills it before backward().
  std::span<float> output_gradient();
  /// Writes the gradient of the loss with respect to the parameters, in the flat plain layout. Call it after forward().
  void backward(std::span<float> gradient);

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

/// Writes first parameters. Weights are normal with variance 1/inputs (LeCun et al. 1998); in the output layer the
/// standard deviation is a tenth of that. Biases are zero. The result depends on the stream alone.
void initialise(const mlp_shape& shape, random_stream& stream, std::span<float> parameters);

}  // namespace spikesweep
