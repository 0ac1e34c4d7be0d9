#pragma once

#include <span>

#include <spikesweep/base/random.hpp>

namespace spikesweep {

/// A mixture of Gaussians with full covariances, as the outputs of a network (Bishop, Pattern Recognition and Machine
/// Learning, 2006, section 5.6; precision factors as in Williams, Neural Computation 1996). A row of raw outputs holds,
/// one kind after another: logits [components]; means [dims][components]; precision factors
/// [dims (dims+1) / 2][components], the lower triangle row by row. The factor's diagonal is
/// exp(bounded_log_diagonal(raw)). With z = L (y - m): log N(y) = sum_i log L_ii - |z|^2/2 - dims/2 log(2 pi).
struct mixture_shape {
  int dims = 0;
  int components = 0;

  int triangle() const { return dims * (dims + 1) / 2; }
  int outputs() const { return components * (1 + dims + triangle()); }

  bool operator==(const mixture_shape&) const = default;
};

/// Bound on the logarithm of a precision factor's diagonal: a conditional standard deviation stays within e^-7 and e^7.
inline constexpr float max_log_diagonal = 7;

/// raw / sqrt(1 + (raw / max_log_diagonal)^2): raw itself near zero, held within +-max_log_diagonal by a smooth curve
/// that never loses its slope altogether, so that an overconfident output can come back.
double bounded_log_diagonal(double raw);

/// Sum over rows of weight times negative log-likelihood [nat]. `raw`: rows x outputs, `targets`: rows x dims,
/// `weights`: rows. Writes the gradient of the sum in `raw` into `raw_gradient` (rows x outputs) unless that is empty.
/// A row of weight 0 is not looked at. Results differ in the last bits between instruction sets.
double mixture_loss(const mixture_shape& shape, std::span<const float> raw, std::span<const float> targets,
                    std::span<const float> weights, std::span<float> raw_gradient);

/// Draws the means' biases of an output layer apart (normal, standard deviation 0.7), so that components differ from
/// the start. `biases`: outputs() values, of which only the means' are set.
void spread_components(const mixture_shape& shape, random_stream& stream, std::span<float> biases);

}  // namespace spikesweep
