#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <spikesweep/base/huge_pages.hpp>

namespace spikesweep {

struct adamw_settings {
  double beta_1 = 0.9;
  double beta_2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 1e-2;
};

/// AdamW: Adam with decoupled weight decay (Loshchilov & Hutter, ICLR 2019, algorithm 2), on flat buffers.
class adamw {
 public:
  adamw(const adamw_settings& settings, std::size_t size);

  /// Updates `parameters` once with the gradient g = `scale` times `gradient`. Both spans have the size given to the
  /// constructor. The moments become m = beta_1 m + (1 - beta_1) g and v = beta_2 v + (1 - beta_2) g^2. With the
  /// bias-corrected moments m' and v' each parameter becomes p = (1 - rate decay) p - rate m' / (sqrt(v') + epsilon).
  /// The result has the same bits on every CPU.
  void step(std::span<float> parameters, std::span<const float> gradient, double learning_rate, float scale = 1.0F);

  std::span<const float> first_moments() const { return first_; }
  std::span<const float> second_moments() const { return second_; }
  std::int64_t steps() const { return steps_; }
  /// Sets the moments and the number of steps. Throws input_error if the moments have another size.
  void restore(std::vector<float> first, std::vector<float> second, std::int64_t steps);

 private:
  adamw_settings settings_;
  long_vector<float> first_;
  long_vector<float> second_;
  std::int64_t steps_ = 0;
};

/// Euclidean norm of a gradient. It is not finite if an element is not finite. The same bits on every CPU.
double gradient_norm(std::span<const float> gradient);

/// The factor that brings the norm of a gradient down to `largest`; 1 if `norm` is not above it.
float clipping_scale(double norm, double largest);

}  // namespace spikesweep
