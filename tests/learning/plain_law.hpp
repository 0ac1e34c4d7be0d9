#pragma once

// The networks and losses of the learning layer written out plainly in double precision, straight from their formulas
// and sharing no code with them: what values and gradients are checked against.

#include <cmath>
#include <cstddef>
#include <functional>
#include <numbers>
#include <span>
#include <vector>

#include <Eigen/Dense>

namespace plain {

/// Output of a perceptron of layer sizes `sizes` (inputs, hidden..., outputs) for one row.
inline std::vector<double> perceptron(const std::vector<int>& sizes, std::span<const double> parameters,
                                      std::vector<double> x) {
  const double* p = parameters.data();
  for (std::size_t l = 0; l + 1 < sizes.size(); ++l) {
    const int inputs = sizes[l];
    const int outputs = sizes[l + 1];
    std::vector<double> y(static_cast<std::size_t>(outputs));
    const double* bias = p + std::ptrdiff_t{inputs} * outputs;
    for (int o = 0; o < outputs; ++o) {
      double sum = bias[o];
      for (int i = 0; i < inputs; ++i) {
        sum += p[o * inputs + i] * x[static_cast<std::size_t>(i)];
      }
      const bool last = l + 2 == sizes.size();
      y[static_cast<std::size_t>(o)] = last ? sum : sum / (1 + std::exp(-sum));
    }
    p = bias + outputs;
    x = std::move(y);
  }
  return x;
}

/// One Gaussian of a mixture, as a mean and a covariance.
struct gaussian {
  double prior = 0;
  Eigen::VectorXd mean;
  Eigen::MatrixXd covariance;
};

/// The Gaussians that a row of raw outputs stands for: logits, means, lower triangles of factors L of the precisions
/// L^T L, with components running fastest; the diagonal of L is exp(r / sqrt(1 + (r/7)^2)).
inline std::vector<gaussian> gaussians(int dims, int components, std::span<const double> raw) {
  std::vector<gaussian> out;
  double total = 0;
  for (int c = 0; c < components; ++c) {
    gaussian g;
    g.prior = std::exp(raw[static_cast<std::size_t>(c)]);
    total += g.prior;
    g.mean.resize(dims);
    Eigen::MatrixXd factor = Eigen::MatrixXd::Zero(dims, dims);
    int kind = 1 + dims;
    for (int i = 0; i < dims; ++i) {
      g.mean(i) = raw[static_cast<std::size_t>((1 + i) * components + c)];
      for (int j = 0; j <= i; ++j, ++kind) {
        const double r = raw[static_cast<std::size_t>(kind * components + c)];
        factor(i, j) = i == j ? std::exp(r / std::sqrt(1 + r * r / 49)) : r;
      }
    }
    g.covariance = (factor.transpose() * factor).inverse();
    out.push_back(g);
  }
  for (auto& g : out) {
    g.prior /= total;
  }
  return out;
}

/// Negative log of the mixture's density at y, from means and covariances.
inline double mixture_nll(int dims, int components, std::span<const double> raw, std::span<const double> y) {
  double density = 0;
  const Eigen::Map<const Eigen::VectorXd> target(y.data(), dims);
  for (const auto& g : gaussians(dims, components, raw)) {
    const Eigen::VectorXd d = target - g.mean;
    const double square = d.dot(g.covariance.ldlt().solve(d));
    density += g.prior * std::exp(-0.5 * square) / std::sqrt((2 * std::numbers::pi * g.covariance).determinant());
  }
  return -std::log(density);
}

/// Mean and covariance of a whole mixture.
inline gaussian moments(const std::vector<gaussian>& mixture) {
  const auto dims = mixture[0].mean.size();
  gaussian all{1, Eigen::VectorXd::Zero(dims), Eigen::MatrixXd::Zero(dims, dims)};
  for (const auto& g : mixture) {
    all.mean += g.prior * g.mean;
  }
  for (const auto& g : mixture) {
    const Eigen::VectorXd d = g.mean - all.mean;
    all.covariance += g.prior * (g.covariance + d * d.transpose());
  }
  return all;
}

/// Cross-entropy -sum share log(softmax), group by group.
inline double profile_entropy(const std::vector<int>& groups, std::span<const double> logits,
                              std::span<const double> shares) {
  double entropy = 0;
  std::size_t begin = 0;
  for (const int group : groups) {
    double total = 0;
    for (int i = 0; i < group; ++i) {
      total += std::exp(logits[begin + static_cast<std::size_t>(i)]);
    }
    for (int i = 0; i < group; ++i) {
      const std::size_t k = begin + static_cast<std::size_t>(i);
      entropy -= shares[k] * std::log(std::exp(logits[k]) / total);
    }
    begin += static_cast<std::size_t>(group);
  }
  return entropy;
}

/// Central differences of f at x, step 1e-5: error about 1e-10 for functions and derivatives of order one.
inline std::vector<double> differences(const std::function<double(std::span<const double>)>& f, std::vector<double> x) {
  constexpr double step = 1e-5;
  std::vector<double> out(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double middle = x[i];
    x[i] = middle + step;
    const double up = f(x);
    x[i] = middle - step;
    out[i] = (up - f(x)) / (2 * step);
    x[i] = middle;
  }
  return out;
}

/// |a - b| / |b|, Euclidean.
template <class A>
double relative_error(const A& a, const std::vector<double>& b) {
  double difference = 0;
  double size = 0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    const double d = static_cast<double>(a[i]) - b[i];
    difference += d * d;
    size += b[i] * b[i];
  }
  return std::sqrt(difference / size);
}

/// The largest |a - b| over the largest |b|.
template <class A>
double largest_error(const A& a, const std::vector<double>& b) {
  double difference = 0;
  double size = 0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    difference = std::max(difference, std::abs(static_cast<double>(a[i]) - b[i]));
    size = std::max(size, std::abs(b[i]));
  }
  return difference / size;
}

template <class From>
std::vector<double> widen(const From& from) {
  return std::vector<double>(from.begin(), from.end());
}

}  // namespace plain
