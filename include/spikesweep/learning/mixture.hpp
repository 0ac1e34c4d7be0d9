#pragma once

#include <span>

#include <spikesweep/base/random.hpp>

namespace spikesweep {

/// Of the mixture of a law.
inline constexpr int most_components = 100;

/// A mixture of Gaussians with full covariances whose parameters are the outputs of a network (Bishop, Pattern
/// Recognition and Machine Learning, 2006, section 5.6; precision factors as in Williams, Neural Computation 1996). A
/// row of raw outputs holds the logits [components], then the means [dims][components], then the precision factors
/// [dims (dims+1) / 2][components], the lower triangle row by row. The diagonal of a factor L is
/// exp(bounded_log_diagonal(raw)). With z = L (y - m): log N(y) = sum_i log L_ii - |z|^2/2 - dims/2 log(2 pi).
struct mixture_shape {
  int dims = 0;
  int components = 0;

  int triangle() const { return dims * (dims + 1) / 2; }
  int outputs() const { return components * (1 + dims + triangle()); }

  bool operator==(const mixture_shape&) const = default;
};

/// Bound on the logarithm of the diagonal of a precision factor. A conditional standard deviation stays between e^-7
/// and e^7.
inline constexpr float max_log_diagonal = 7;

/// raw / sqrt(1 + (raw / max_log_diagonal)^2). Near zero this is almost raw itself; it stays within +-max_log_diagonal.
/// Its slope is never zero, so training can still correct an output that became too large.
double bounded_log_diagonal(double raw);

/// Sum over rows of weight times negative log-likelihood [nat]. `raw`: rows x outputs, `targets`: rows x dims,
/// `weights`: rows. Unless `raw_gradient` (rows x outputs) is empty, writes the gradient of the sum with respect to
/// `raw` there. A row of weight 0 is not read. Results differ in the last bits between instruction sets.
double mixture_loss(const mixture_shape& shape, std::span<const float> raw, std::span<const float> targets,
                    std::span<const float> weights, std::span<float> raw_gradient);

/// Sets the biases of the means in an output layer to random normal values of standard deviation 0.7, so that the
/// components differ from the start. `biases` holds outputs() values; only those of the means change.
void spread_components(const mixture_shape& shape, random_stream& stream, std::span<float> biases);

}  // namespace spikesweep
