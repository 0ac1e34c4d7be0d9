#pragma once

#include <span>
#include <vector>

#include <spikesweep/learning/features.hpp>

namespace spikesweep {

/// All products of powers of some coordinates up to a total degree, the constant first.
class polynomial_basis {
 public:
  polynomial_basis(int coordinates, int degree);

  int terms() const { return static_cast<int>(powers_.size()); }
  /// Values of all terms at `x` (one value a coordinate).
  std::vector<double> at(std::span<const double> x) const;
  /// Derivatives of all terms in coordinate `which`.
  std::vector<double> slope(std::span<const double> x, int which) const;

 private:
  std::vector<std::vector<int>> powers_;  ///< terms x coordinates
};

/// Where a closed loop looks the law up: not at the axis values asked for but a little beside them, so that the errors
/// of the law, each small but fed back for as long as the loop runs, do not add up to wrong rates. A polynomial of the
/// scaled axes; its coefficients come from tuning (surrogate/tuning.hpp). Empty: no shift.
struct input_shift {
  int degree = 0;
  std::vector<double> coefficients;  ///< terms x axes, in units of half an axis's trained range.

  bool empty() const { return coefficients.empty(); }
};

/// Axis values in units of half the trained range around its middle: within [-1, 1] inside; 0 for an axis without
/// range.
std::vector<double> scaled_axes(const transition_space& space, std::span<const double> values);

/// Largest shift of one axis, in units of half its trained range: tuning mends small errors, not a bad law.
inline constexpr double largest_shift = 0.5;

/// The axis values where the law is looked up for `values`.
std::vector<double> shifted(const transition_space& space, const input_shift& shift, std::span<const double> values);

}  // namespace spikesweep
