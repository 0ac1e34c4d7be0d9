#include "mixture_head.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include <spikesweep/base/error.hpp>

#include "softmax.hpp"

// clang-format off
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "learning/mixture_head.cpp"
#include <hwy/foreach_target.h>  // Has to come before highway.h.
#include <hwy/highway.h>
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace spikesweep::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

/// Computes the outputs of `N` rows of one component. The table (biases, then weights: `units` x `stride`) is loaded
/// once for all rows.
template <std::size_t N>
void rows_of_component(const float* table, std::size_t units, std::size_t stride,
                       const std::array<const float*, N>& hidden, float* out) {
  const hn::ScalableTag<float> d;
  const std::size_t lanes = hn::Lanes(d);
  for (std::size_t c = 0; c < stride; c += 2 * lanes) {
    auto sums = std::array<std::array<hn::Vec<decltype(d)>, 2>, N>();
    for (auto& sum : sums) {
      sum = {hn::LoadU(d, table + c), hn::LoadU(d, table + c + lanes)};
    }
    const float* weights = table + stride + c;
    for (std::size_t k = 0; k < units; ++k, weights += stride) {
      const auto first = hn::LoadU(d, weights);
      const auto second = hn::LoadU(d, weights + lanes);
      for (std::size_t row = 0; row < N; ++row) {
        const auto x = hn::Set(d, hidden[row][k]);
        sums[row][0] = hn::MulAdd(x, first, sums[row][0]);
        sums[row][1] = hn::MulAdd(x, second, sums[row][1]);
      }
    }
    for (std::size_t row = 0; row < N; ++row) {
      hn::StoreU(sums[row][0], d, out + row * stride + c);
      hn::StoreU(sums[row][1], d, out + row * stride + c + lanes);
    }
  }
}

void four_rows(const float* table, std::size_t units, std::size_t stride, const std::array<const float*, 4>& hidden,
               float* out) {
  rows_of_component(table, units, stride, hidden, out);
}

void one_row(const float* table, std::size_t units, std::size_t stride, const float* hidden, float* out) {
  rows_of_component(table, units, stride, std::array{hidden}, out);
}

}  // namespace spikesweep::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spikesweep {

namespace {

HWY_EXPORT(four_rows);
HWY_EXPORT(one_row);

/// Two of the widest vectors.
constexpr std::size_t column_step = 32;
constexpr std::size_t rows_at_once = 4;

}  // namespace

mixture_head::mixture_head(const mixture_shape& shape, int units, std::span<const float> weights,
                           std::span<const float> biases)
    : shape_(shape), units_(static_cast<std::size_t>(units)) {
  const auto n = static_cast<std::size_t>(shape.components);
  const auto kinds = static_cast<std::size_t>(shape.dims + shape.triangle());
  SPIKESWEEP_ASSERT(biases.size() == n * (1 + kinds) && weights.size() == biases.size() * units_);
  stride_ = (kinds + column_step - 1) / column_step * column_step;
  table_.assign(n * (1 + units_) * stride_, 0.0F);
  for (std::size_t c = 0; c < n; ++c) {
    float* table = table_.data() + c * (1 + units_) * stride_;
    for (std::size_t kind = 0; kind < kinds; ++kind) {
      const std::size_t output = (1 + kind) * n + c;
      table[kind] = biases[output];
      for (std::size_t k = 0; k < units_; ++k) {
        table[(1 + k) * stride_ + kind] = weights[output * units_ + k];
      }
    }
  }
  outputs_.resize(rows_at_once * stride_);
}

void mixture_head::draw_components(std::span<const float> logits, std::span<const float> uniforms) {
  const auto n = static_cast<std::size_t>(shape_.components);
  component_.resize(uniforms.size());
  std::vector<float>& prior = outputs_;  // Not in use yet.
  prior.resize(std::max(prior.size(), n));
  for (std::size_t row = 0; row < uniforms.size(); ++row) {
    const auto of_row = logits.subspan(row * n, n);
    const float total = exponentials<float>(of_row, std::span(prior));
    float left = uniforms[row] * total;
    std::uint32_t chosen = 0;
    for (; chosen + 1 < n && left >= prior[chosen]; ++chosen) {
      left -= prior[chosen];
    }
    component_[row] = chosen;
  }
  order_.resize(uniforms.size());
  std::iota(order_.begin(), order_.end(), 0U);
  std::ranges::sort(order_, {}, [&](std::uint32_t row) { return std::pair(component_[row], row); });
}

void mixture_head::solve(const float* outputs, const float* normals, double* sample) const {
  // L (y - m) = z with standard normal z, by forward substitution.
  const auto dims = static_cast<std::size_t>(shape_.dims);
  const float* factor = outputs + dims;
  for (std::size_t i = 0; i < dims; ++i) {
    double rest = static_cast<double>(normals[i]);
    for (std::size_t j = 0; j < i; ++j) {
      rest -= static_cast<double>(*factor++) * (sample[j] - static_cast<double>(outputs[j]));
    }
    const auto log_diagonal = static_cast<float>(bounded_log_diagonal(static_cast<double>(*factor++)));
    sample[i] = static_cast<double>(outputs[i]) + rest * static_cast<double>(std::exp(-log_diagonal));
  }
}

void mixture_head::sample(std::span<const float> logits, std::span<const float> hidden, std::span<const float> uniforms,
                          std::span<const float> normals, std::span<double> samples) {
  const auto dims = static_cast<std::size_t>(shape_.dims);
  SPIKESWEEP_ASSERT(hidden.size() >= uniforms.size() * units_ && normals.size() == uniforms.size() * dims &&
                    samples.size() == normals.size());
  draw_components(logits, uniforms);
  const auto of_row = [&](std::size_t i) { return hidden.data() + order_[i] * units_; };
  for (std::size_t i = 0; i < order_.size();) {
    const std::uint32_t chosen = component_[order_[i]];
    const float* table = table_.data() + chosen * (1 + units_) * stride_;
    const bool four = i + rows_at_once <= order_.size() && component_[order_[i + rows_at_once - 1]] == chosen;
    if (four) {
      const std::array rows{of_row(i), of_row(i + 1), of_row(i + 2), of_row(i + 3)};
      HWY_DYNAMIC_DISPATCH(four_rows)(table, units_, stride_, rows, outputs_.data());
    } else {
      HWY_DYNAMIC_DISPATCH(one_row)(table, units_, stride_, of_row(i), outputs_.data());
    }
    const std::size_t end = i + (four ? rows_at_once : 1);
    for (std::size_t k = 0; i < end; ++i, ++k) {
      solve(outputs_.data() + k * stride_, normals.data() + order_[i] * dims, samples.data() + order_[i] * dims);
    }
  }
}

}  // namespace spikesweep
#endif  // HWY_ONCE
