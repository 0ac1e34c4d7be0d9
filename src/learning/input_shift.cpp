#include <algorithm>
#include <cmath>
#include <numeric>

#include <spikesweep/base/error.hpp>
#include <spikesweep/base/portable_math.hpp>
#include <spikesweep/learning/input_shift.hpp>

namespace spikesweep {

namespace {

double power(double x, int n) {
  double product = 1;
  for (; n > 0; --n) {
    product *= x;
  }
  return product;
}

/// Values of the terms of a shift.
std::vector<double> terms_at(const transition_space& space, const input_shift& shift, std::span<const double> values) {
  std::vector<double> x = scaled_axes(space, values);
  for (double& coordinate : x) {
    coordinate = std::clamp(coordinate, -1.0, 1.0);  // A polynomial is not to be trusted beyond its points.
  }
  return polynomial_basis(static_cast<int>(values.size()), shift.degree).at(x);
}

}  // namespace

polynomial_basis::polynomial_basis(int coordinates, int degree) {
  std::vector<int> powers(static_cast<std::size_t>(coordinates), 0);
  // Sorted by total degree, so that the terms of a lower degree come first.
  for (int total = 0; total <= degree; ++total) {
    const auto fill = [&](const auto& self, std::size_t coordinate, int left) -> void {
      if (coordinate + 1 >= powers.size()) {
        if (!powers.empty()) {
          powers.back() = left;
        }
        if (!powers.empty() || left == 0) {
          powers_.push_back(powers);
        }
        return;
      }
      for (int n = left; n >= 0; --n) {
        powers[coordinate] = n;
        self(self, coordinate + 1, left - n);
      }
    };
    fill(fill, 0, total);
  }
}

std::vector<double> polynomial_basis::at(std::span<const double> x) const {
  std::vector<double> values;
  for (const auto& powers : powers_) {
    double product = 1;
    for (std::size_t i = 0; i < powers.size(); ++i) {
      product *= power(x[i], powers[i]);
    }
    values.push_back(product);
  }
  return values;
}

std::vector<double> polynomial_basis::slope(std::span<const double> x, int which) const {
  std::vector<double> values;
  const auto w = static_cast<std::size_t>(which);
  for (const auto& powers : powers_) {
    double product = powers[w];
    for (std::size_t i = 0; i < powers.size(); ++i) {
      product *= power(x[i], i == w ? powers[i] - 1 : powers[i]);
    }
    values.push_back(product);
  }
  return values;
}

std::vector<double> scaled_axes(const transition_space& space, std::span<const double> values) {
  std::vector<double> scaled;
  for (std::size_t a = 0; a < values.size(); ++a) {
    const double half = 0.5 * (space.axis_max[a] - space.axis_min[a]);
    const double middle = 0.5 * (space.axis_max[a] + space.axis_min[a]);
    scaled.push_back(half > 0 ? (values[a] - middle) / half : 0);
  }
  return scaled;
}

std::vector<double> shifted(const transition_space& space, const input_shift& shift, std::span<const double> values) {
  std::vector<double> moved(values.begin(), values.end());
  if (shift.empty()) {
    return moved;
  }
  const std::vector<double> terms = terms_at(space, shift, values);
  SPIKESWEEP_ASSERT(shift.coefficients.size() == terms.size() * values.size());
  for (std::size_t a = 0; a < values.size(); ++a) {
    double by = 0;
    for (std::size_t t = 0; t < terms.size(); ++t) {
      by += shift.coefficients[t * values.size() + a] * terms[t];
    }
    moved[a] += std::clamp(by, -largest_shift, largest_shift) * 0.5 * (space.axis_max[a] - space.axis_min[a]);
  }
  return moved;
}

double noise_scale(const transition_space& space, const input_shift& shift, std::span<const double> values) {
  if (shift.log_noise.empty()) {
    return 1;
  }
  const std::vector<double> terms = terms_at(space, shift, values);
  SPIKESWEEP_ASSERT(shift.log_noise.size() == terms.size());
  const double log_scale = std::inner_product(terms.begin(), terms.end(), shift.log_noise.begin(), 0.0);
  return std::clamp(portable_exp(log_scale), 1 / largest_noise_scale, largest_noise_scale);
}

}  // namespace spikesweep
