#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include <spikesweep/base/random.hpp>
#include <spikesweep/learning/precision.hpp>

namespace spikesweep {

/// A multilayer perceptron: SiLU between layers, linear output.
struct mlp_shape {
  int inputs = 0;
  std::vector<int> hidden;  ///< Units of each hidden layer.
  int outputs = 0;

  /// Inputs, hidden layers, outputs.
  std::vector<int> sizes() const;
  /// Length of the flat plain buffer: per layer W (outputs x inputs, row-major; oneDNN's `oi`), then b (outputs).
  std::size_t parameter_count() const;

  bool operator==(const mlp_shape&) const = default;
};

/// Whether this CPU has bfloat16 instructions (AVX512-BF16).
bool has_bf16();

/// Forward and backward passes of a perceptron on oneDNN inner products, for a fixed number of rows. Primitives,
/// memories and scratch are built once; weights are reordered from the plain layout to the one each primitive prefers.
/// Results may differ in the last bits between CPUs and thread counts.
class mlp {
 public:
  /// `rows` above 0. `training`: keeps what backward() needs. Throws input_error for bf16 on a CPU without it.
  mlp(const mlp_shape& shape, int rows, bool training, precision wanted = precision::fp32);
  mlp(mlp&&) noexcept;
  mlp& operator=(mlp&&) noexcept;
  ~mlp();

  /// Takes weights in the flat plain layout. They have to stay where and, when training, as they are until after the
  /// last forward() or backward() with them.
  void set_parameters(std::span<const float> parameters);
  /// rows x inputs, row-major, to be filled by the caller.
  std::span<float> input();
  /// rows x outputs, row-major; valid until the next forward().
  std::span<const float> forward();
  /// rows x units of the last hidden layer: its activations in the last forward(). Not for training; needs a hidden
  /// layer. Valid until the next forward().
  std::span<const float> last_hidden();
  /// rows x outputs: gradient of the loss in the outputs, to be filled by the caller before backward().
  std::span<float> output_gradient();
  /// Writes the gradient of the loss in the parameters, in the flat plain layout. Follows a forward().
  void backward(std::span<float> gradient);

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

/// First weights: normal of variance 1/inputs (LeCun et al. 1998), a tenth of that deviation in the output layer; zero
/// biases. A function of the stream alone.
void initialise(const mlp_shape& shape, random_stream& stream, std::span<float> parameters);

}  // namespace spikesweep
