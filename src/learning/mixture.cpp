#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>
#include <vector>

#include <spikesweep/base/error.hpp>
#include <spikesweep/learning/mixture.hpp>

// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "learning/mixture.cpp"
#include <hwy/foreach_target.h>  // Has to come before highway.h.
#include <hwy/highway.h>
#include "learning/softmax-inl.hpp"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace spikesweep::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// Computes the mixture of one row at a time. Vectors run over the components. A row's raw outputs and its gradient are
/// handled in padded copies. The lanes past the last component hold values of the next kind of output, so kinds are
/// written in ascending order, and sums over components leave these lanes out.
class mixture_rows {
 public:
  explicit mixture_rows(const mixture_shape& shape)
      : dims_(static_cast<std::size_t>(shape.dims)),
        n_(static_cast<std::size_t>(shape.components)),
        outputs_(static_cast<std::size_t>(shape.outputs())),
        stride_((n_ + hn::Lanes(d_) - 1) / hn::Lanes(d_) * hn::Lanes(d_)),
        raw_(outputs_ + hn::Lanes(d_)),
        gradient_(outputs_ + hn::Lanes(d_)),
        joint_(stride_),
        exponentials_(stride_),
        difference_(dims_ * stride_),
        z_(dims_ * stride_),
        factor_(dims_ * stride_),
        slope_(dims_ * stride_) {}

  /// Negative log-likelihood of `target`; writes weight times its gradient unless `gradient` is null.
  float row(const float* raw, const float* target, float weight, float* gradient) {
    std::memcpy(raw_.data(), raw, outputs_ * sizeof(float));
    for (std::size_t c = 0; c < n_; c += hn::Lanes(d_)) {
      densities(c, target);
    }
    const float log_prior = log_sum_exp(raw_.data());
    const float log_joint = log_sum_exp(joint_.data());
    if (gradient != nullptr) {
      differentiate(weight, log_prior, log_joint);
      std::memcpy(gradient, gradient_.data(), outputs_ * sizeof(float));
    }
    return log_prior - log_joint;
  }

 private:
  using tag = hn::ScalableTag<float>;
  using vector = hn::Vec<tag>;

  std::size_t mean_at(std::size_t i) const { return (1 + i) * n_; }
  std::size_t factor_at(std::size_t i, std::size_t j) const { return (1 + dims_ + i * (i + 1) / 2 + j) * n_; }
  vector raw_at(std::size_t kind, std::size_t c) const { return hn::LoadU(d_, raw_.data() + kind + c); }

  /// Fills the scratch memory of components c, c+1, ...
  void densities(std::size_t c, const float* target) {
    const auto one = hn::Set(d_, 1.0F);
    const auto half = hn::Set(d_, 0.5F);
    const auto inverse_bound = hn::Set(d_, 1 / max_log_diagonal);
    const auto log_two_pi = static_cast<float>(std::log(2 * std::numbers::pi));
    auto log_density = hn::Set(d_, -0.5F * log_two_pi * static_cast<float>(dims_));
    for (std::size_t i = 0; i < dims_; ++i) {
      const auto difference = hn::Sub(hn::Set(d_, target[i]), raw_at(mean_at(i), c));
      hn::StoreU(difference, d_, difference_.data() + i * stride_ + c);
      const auto x = raw_at(factor_at(i, i), c);
      const auto t = hn::Mul(x, inverse_bound);
      const auto q = hn::Div(one, hn::Sqrt(hn::MulAdd(t, t, one)));
      const auto log_factor = hn::Mul(x, q);
      const auto factor = hn::Exp(d_, log_factor);
      auto z = hn::Mul(factor, difference);
      for (std::size_t j = 0; j < i; ++j) {
        z = hn::MulAdd(raw_at(factor_at(i, j), c), hn::LoadU(d_, difference_.data() + j * stride_ + c), z);
      }
      hn::StoreU(factor, d_, factor_.data() + i * stride_ + c);
      hn::StoreU(hn::Mul(q, hn::Mul(q, q)), d_, slope_.data() + i * stride_ + c);
      hn::StoreU(z, d_, z_.data() + i * stride_ + c);
      log_density = hn::NegMulAdd(hn::Mul(half, z), z, hn::Add(log_density, log_factor));
    }
    hn::StoreU(hn::Add(raw_at(0, c), log_density), d_, joint_.data() + c);
  }

  /// Over the components.
  float log_sum_exp(const float* x) {
    const exponential_sum sum = exponentials(x, n_, exponentials_.data());
    return sum.highest + std::log(sum.total);
  }

  /// With r the responsibilities and p the prior: d nll / d logit = p - r, d / d m_j = -r sum_i z_i L_ij,
  /// d / d L_ij = r z_i (y_j - m_j), d / d log L_ii = r (z_i L_ii (y_i - m_i) - 1).
  void differentiate(float weight, float log_prior, float log_joint) {
    const auto w = hn::Set(d_, weight);
    for (std::size_t c = 0; c < n_; c += hn::Lanes(d_)) {
      const auto prior = hn::Exp(d_, hn::Sub(raw_at(0, c), hn::Set(d_, log_prior)));
      const auto share = hn::Exp(d_, hn::Sub(hn::LoadU(d_, joint_.data() + c), hn::Set(d_, log_joint)));
      hn::StoreU(hn::Mul(w, share), d_, joint_.data() + c);
      hn::StoreU(hn::Mul(w, hn::Sub(prior, share)), d_, gradient_.data() + c);
    }
    for (std::size_t j = 0; j < dims_; ++j) {
      for (std::size_t c = 0; c < n_; c += hn::Lanes(d_)) {
        auto sum = hn::Mul(scratch(factor_, j, c), scratch(z_, j, c));
        for (std::size_t i = j + 1; i < dims_; ++i) {
          sum = hn::MulAdd(raw_at(factor_at(i, j), c), scratch(z_, i, c), sum);
        }
        const auto share = hn::LoadU(d_, joint_.data() + c);
        hn::StoreU(hn::Neg(hn::Mul(share, sum)), d_, gradient_.data() + mean_at(j) + c);
      }
    }
    for (std::size_t i = 0; i < dims_; ++i) {
      for (std::size_t j = 0; j <= i; ++j) {
        for (std::size_t c = 0; c < n_; c += hn::Lanes(d_)) {
          factor_gradient(i, j, c);
        }
      }
    }
  }

  void factor_gradient(std::size_t i, std::size_t j, std::size_t c) {
    const auto share = hn::LoadU(d_, joint_.data() + c);
    auto value = hn::Mul(scratch(z_, i, c), scratch(difference_, j, c));
    if (i == j) {
      value = hn::MulSub(value, scratch(factor_, i, c), hn::Set(d_, 1.0F));
      value = hn::Mul(value, scratch(slope_, i, c));
    }
    hn::StoreU(hn::Mul(share, value), d_, gradient_.data() + factor_at(i, j) + c);
  }

  vector scratch(const std::vector<float>& of, std::size_t i, std::size_t c) const {
    return hn::LoadU(d_, of.data() + i * stride_ + c);
  }

  tag d_;
  std::size_t dims_;
  std::size_t n_;
  std::size_t outputs_;
  std::size_t stride_;               ///< Components, rounded up to whole vectors.
  std::vector<float> raw_;           ///< outputs
  std::vector<float> gradient_;      ///< outputs
  std::vector<float> joint_;         ///< Log of prior times density; then weight times responsibility.
  std::vector<float> exponentials_;  ///< components: scratch of log_sum_exp()
  std::vector<float> difference_;    ///< dims x components: y - m
  std::vector<float> z_;             ///< dims x components: L (y - m)
  std::vector<float> factor_;        ///< dims x components: L_ii
  std::vector<float> slope_;         ///< dims x components: d log L_ii / d raw
};

double mixture_loss_rows(const mixture_shape& shape, std::span<const float> raw, std::span<const float> targets,
                         std::span<const float> weights, std::span<float> raw_gradient) {
  const auto dims = static_cast<std::size_t>(shape.dims);
  const auto outputs = static_cast<std::size_t>(shape.outputs());
  mixture_rows rows(shape);
  double loss = 0;
  for (std::size_t r = 0; r < weights.size(); ++r) {
    float* gradient = raw_gradient.empty() ? nullptr : raw_gradient.data() + r * outputs;
    if (weights[r] != 0) {
      const float nll = rows.row(raw.data() + r * outputs, targets.data() + r * dims, weights[r], gradient);
      loss += static_cast<double>(weights[r]) * static_cast<double>(nll);
    } else if (gradient != nullptr) {
      std::fill_n(gradient, outputs, 0.0F);
    }
  }
  return loss;
}

}  // namespace spikesweep::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spikesweep {

namespace {

HWY_EXPORT(mixture_loss_rows);

constexpr double initial_spread = 0.7;  ///< Standard deviation of the components' first means, in standardised units.

}  // namespace

double bounded_log_diagonal(double raw) {
  const double t = raw / static_cast<double>(max_log_diagonal);
  return raw / std::sqrt(1 + t * t);
}

double mixture_loss(const mixture_shape& shape, std::span<const float> raw, std::span<const float> targets,
                    std::span<const float> weights, std::span<float> raw_gradient) {
  SPIKESWEEP_ASSERT(raw.size() == weights.size() * static_cast<std::size_t>(shape.outputs()));
  SPIKESWEEP_ASSERT(targets.size() == weights.size() * static_cast<std::size_t>(shape.dims));
  SPIKESWEEP_ASSERT(raw_gradient.empty() || raw_gradient.size() == raw.size());
  return HWY_DYNAMIC_DISPATCH(mixture_loss_rows)(shape, raw, targets, weights, raw_gradient);
}

void spread_components(const mixture_shape& shape, random_stream& stream, std::span<float> biases) {
  SPIKESWEEP_ASSERT(static_cast<int>(biases.size()) == shape.outputs());
  const auto means = biases.subspan(static_cast<std::size_t>(shape.components),
                                    static_cast<std::size_t>(shape.components * shape.dims));
  for (auto& mean : means) {
    mean = static_cast<float>(initial_spread * stream.normal());
  }
}

}  // namespace spikesweep
#endif  // HWY_ONCE
