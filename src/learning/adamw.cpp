#include <algorithm>
#include <array>
#include <cmath>

#include <spikesweep/base/error.hpp>
#include <spikesweep/learning/adamw.hpp>

// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "learning/adamw.cpp"
#include <hwy/foreach_target.h>  // Has to come before highway.h.
#include <hwy/highway.h>
// clang-format on

#ifndef SPIKESWEEP_ADAMW_UPDATE
#define SPIKESWEEP_ADAMW_UPDATE
namespace spikesweep {

/// The scalars of one update.
struct adamw_update {
  float beta_1;
  float beta_2;
  float fresh_1;  ///< 1 - beta_1, rounded once.
  float fresh_2;  ///< 1 - beta_2, rounded once. A difference of floats would have an error of 1e-5.
  float keep;     ///< 1 - learning rate times decay.
  float rate;     ///< Learning rate over the bias correction of the first moment.
  float scale;    ///< 1 over the bias correction of the second moment.
  float epsilon;
  float clip;  ///< Scale of the gradient.
};

/// The flat buffers of one update, each with `size` elements.
struct adamw_buffers {
  float* parameters;
  const float* gradient;
  float* first;
  float* second;
  std::size_t size;
};

}  // namespace spikesweep
#endif

HWY_BEFORE_NAMESPACE();
namespace spikesweep::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// Updates elements i, i+1, ... Multiplications and additions are not fused, so that the ranks of a cluster with
/// different CPUs compute the same weights from the same gradient.
template <class Tag>
void update_at(Tag d, const adamw_update& u, const adamw_buffers& b, std::size_t i) {
  const auto g = hn::Mul(hn::LoadU(d, b.gradient + i), hn::Set(d, u.clip));
  const auto first =
      hn::Add(hn::Mul(hn::Set(d, u.beta_1), hn::LoadU(d, b.first + i)), hn::Mul(hn::Set(d, u.fresh_1), g));
  const auto second =
      hn::Add(hn::Mul(hn::Set(d, u.beta_2), hn::LoadU(d, b.second + i)), hn::Mul(hn::Set(d, u.fresh_2), hn::Mul(g, g)));
  const auto denominator = hn::Add(hn::Sqrt(hn::Mul(second, hn::Set(d, u.scale))), hn::Set(d, u.epsilon));
  const auto kept = hn::Mul(hn::Set(d, u.keep), hn::LoadU(d, b.parameters + i));
  hn::StoreU(first, d, b.first + i);
  hn::StoreU(second, d, b.second + i);
  hn::StoreU(hn::Sub(kept, hn::Div(hn::Mul(hn::Set(d, u.rate), first), denominator)), d, b.parameters + i);
}

void adamw_step(const adamw_update& u, const adamw_buffers& b) {
  const hn::ScalableTag<float> d;
  const hn::CappedTag<float, 1> one;
  std::size_t i = 0;
  for (; i + hn::Lanes(d) <= b.size; i += hn::Lanes(d)) {
    update_at(d, u, b, i);
  }
  for (; i < b.size; ++i) {
    update_at(one, u, b, i);
  }
}

/// Sums in 64 partial sums for every width of the vectors, so that every CPU gives the same bits. Four vectors are
/// added at a time, because an addition takes four cycles.
double squares(const float* x, std::size_t size) {
  constexpr std::size_t parts = 64;
  const hn::CappedTag<double, 8> d;
  const hn::Rebind<float, decltype(d)> df;
  const std::size_t lanes = hn::Lanes(d);
  alignas(64) std::array<double, parts> partial{};
  const std::size_t whole = size / parts * parts;
  constexpr std::size_t block =
      64 * parts;  // It stays in the first-level cache while the parts use it one after another.
  const auto add_square = [&](auto sum, const float* at) {
    const auto v = hn::PromoteTo(d, hn::LoadU(df, at));
    return hn::Add(sum, hn::Mul(v, v));
  };
  for (std::size_t begin = 0; begin < whole; begin += block) {
    const std::size_t end = std::min(begin + block, whole);
    for (std::size_t k = 0; k < parts; k += 4 * lanes) {
      double* to = partial.data() + k;
      auto sum_0 = hn::Load(d, to);
      auto sum_1 = hn::Load(d, to + lanes);
      auto sum_2 = hn::Load(d, to + 2 * lanes);
      auto sum_3 = hn::Load(d, to + 3 * lanes);
      for (const float* at = x + begin + k; at < x + end; at += parts) {
        sum_0 = add_square(sum_0, at);
        sum_1 = add_square(sum_1, at + lanes);
        sum_2 = add_square(sum_2, at + 2 * lanes);
        sum_3 = add_square(sum_3, at + 3 * lanes);
      }
      hn::Store(sum_0, d, to);
      hn::Store(sum_1, d, to + lanes);
      hn::Store(sum_2, d, to + 2 * lanes);
      hn::Store(sum_3, d, to + 3 * lanes);
    }
  }
  double total = 0;
  for (const double part : partial) {
    total += part;
  }
  for (std::size_t i = whole; i < size; ++i) {
    total += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  }
  return total;
}

}  // namespace spikesweep::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spikesweep {

namespace {

HWY_EXPORT(adamw_step);
HWY_EXPORT(squares);

}  // namespace

adamw::adamw(const adamw_settings& settings, std::size_t size)
    : settings_(settings), first_(size, 0.0F), second_(size, 0.0F) {}

void adamw::step(std::span<float> parameters, std::span<const float> gradient, double learning_rate, float scale) {
  SPIKESWEEP_ASSERT(parameters.size() == first_.size() && gradient.size() == first_.size());
  ++steps_;
  const auto n = static_cast<double>(steps_);
  adamw_update u{};
  u.beta_1 = static_cast<float>(settings_.beta_1);
  u.beta_2 = static_cast<float>(settings_.beta_2);
  u.fresh_1 = static_cast<float>(1 - settings_.beta_1);
  u.fresh_2 = static_cast<float>(1 - settings_.beta_2);
  u.keep = static_cast<float>(1 - learning_rate * settings_.weight_decay);
  u.rate = static_cast<float>(learning_rate / (1 - std::pow(settings_.beta_1, n)));
  u.scale = static_cast<float>(1 / (1 - std::pow(settings_.beta_2, n)));
  u.clip = scale;
  u.epsilon = static_cast<float>(settings_.epsilon);
  HWY_DYNAMIC_DISPATCH(adamw_step)
  (u, {parameters.data(), gradient.data(), first_.data(), second_.data(), first_.size()});
}

void adamw::restore(std::vector<float> first, std::vector<float> second, std::int64_t steps) {
  if (first.size() != first_.size() || second.size() != second_.size()) {
    throw input_error("the state of the optimiser has another size than the model");
  }
  first_.assign(first.begin(), first.end());
  second_.assign(second.begin(), second.end());
  steps_ = steps;
}

double gradient_norm(std::span<const float> gradient) {
  return std::sqrt(HWY_DYNAMIC_DISPATCH(squares)(gradient.data(), gradient.size()));
}

float clipping_scale(double norm, double largest) {
  return norm > largest ? static_cast<float>(largest / norm) : 1.0F;
}

}  // namespace spikesweep
#endif  // HWY_ONCE
