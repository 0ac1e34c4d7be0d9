#include <cmath>
#include <numbers>

#include <spikesweep/base/error.hpp>
#include <spikesweep/learning/marginals.hpp>

#include "softmax.hpp"

namespace spikesweep {

double mixture_marginals::below(int dim, double y) const {
  const std::size_t first = static_cast<std::size_t>(dim) * weight.size();
  double sum = 0;
  for (std::size_t c = 0; c < weight.size(); ++c) {
    const double z = (y - mean[first + c]) / deviation[first + c];
    sum += weight[c] * 0.5 * std::erfc(-z / std::numbers::sqrt2);
  }
  return sum;
}

mixture_marginals marginals_of(const mixture_shape& shape, std::span<const float> raw_row) {
  SPIKESWEEP_ASSERT(static_cast<int>(raw_row.size()) == shape.outputs());
  const auto dims = static_cast<std::size_t>(shape.dims);
  const auto n = static_cast<std::size_t>(shape.components);
  const auto logits = raw_row.first(n);
  mixture_marginals out;
  out.weight.resize(n);
  const double total = exponentials<double>(logits, std::span(out.weight));
  for (double& w : out.weight) {
    w /= total;
  }
  const auto means = raw_row.subspan(n, dims * n);
  out.mean.assign(means.begin(), means.end());
  out.deviation.assign(dims * n, 0.0);
  const float* factors = raw_row.data() + (1 + dims) * n;
  const auto factor = [&](std::size_t i, std::size_t j, std::size_t c) {
    const double raw = factors[(i * (i + 1) / 2 + j) * n + c];
    return i == j ? std::exp(bounded_log_diagonal(raw)) : raw;
  };
  std::vector<double> column(dims);  // Of the inverse factor, by forward substitution.
  for (std::size_t c = 0; c < n; ++c) {
    for (std::size_t k = 0; k < dims; ++k) {
      for (std::size_t i = k; i < dims; ++i) {
        double rest = i == k ? 1 : 0;
        for (std::size_t j = k; j < i; ++j) {
          rest -= factor(i, j, c) * column[j];
        }
        column[i] = rest / factor(i, i, c);
        out.deviation[i * n + c] += column[i] * column[i];
      }
    }
  }
  for (double& d : out.deviation) {
    d = std::sqrt(d);
  }
  return out;
}

}  // namespace spikesweep
