#pragma once

#include <span>
#include <vector>

#include <spikesweep/learning/features.hpp>

namespace spikesweep {

/// The terms of a polynomial: all products of powers of the coordinates up to a total degree, the constant first.
class polynomial_basis {
 public:
  polynomial_basis(int coordinates, int degree);

  int terms() const { return static_cast<int>(powers_.size()); }
  /// Values of all terms at `x`, which has one value for each coordinate.
  std::vector<double> at(std::span<const double> x) const;
  /// Derivatives of all terms with respect to coordinate `which`, at `x`.
  std::vector<double> slope(std::span<const double> x, int which) const;

 private:
  std::vector<std::vector<int>> powers_;  ///< terms x coordinates
};

/// A small change of the axis values at which a closed loop evaluates the law, and of the noise of the law. The errors
/// of the law are small, but a closed loop feeds them back at every step, and they add up to wrong figures; the shift
/// corrects the figures. All parts are polynomials of the scaled axes, and tuning finds their coefficients
/// (surrogate/tuning.hpp). Empty: no shift.
struct input_shift {
  int degree = 0;
  std::vector<double> coefficients;  ///< terms x axes, in units of half an axis's trained range.
  std::vector<double> log_noise;     ///< terms: natural logarithm of the scale of the noise; empty: the scale is 1.

  bool empty() const { return coefficients.empty(); }
};

/// Axis values scaled so that the trained range becomes [-1, 1]; 0 for an axis that was not varied.
std::vector<double> scaled_axes(const transition_space& space, std::span<const double> values);

/// Largest shift of one axis, in units of half its trained range. Tuning corrects small errors; it cannot repair a bad
/// law.
inline constexpr double largest_shift = 0.5;

/// The axis values at which the law is evaluated when `values` are wanted.
std::vector<double> shifted(const transition_space& space, const input_shift& shift, std::span<const double> values);

/// The noise of the counts of the law is at most this times as large as it was learnt, and at least the inverse.
inline constexpr double largest_noise_scale = 2;

/// What the noise of the counts of the law is multiplied by when `values` are wanted.
double noise_scale(const transition_space& space, const input_shift& shift, std::span<const double> values);

}  // namespace spikesweep
