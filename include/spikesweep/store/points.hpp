#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <Eigen/Core>

#include <spikesweep/network/parameters.hpp>

namespace spikesweep {

/// What a point is used for.
enum class point_role : std::uint8_t { train = 0, selection = 1, test = 2 };
inline constexpr int point_role_count = 3;
/// "train", "selection" or "test".
std::string_view name_of(point_role role);

/// The points of a sweep.
struct design {
  std::vector<std::string> axes;                                                  ///< Parameter names.
  Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> points;  ///< points x axes
  std::vector<point_role> roles;                                                  ///< One a point.
  std::vector<double> lowest;        ///< Lower end of each axis; empty in sweeps of version 0.1.0.
  std::vector<double> highest;       ///< Upper end of each axis.
  std::vector<std::int32_t> rounds;  ///< Round of refining that each was picked in, 0: none; empty if all are 0.
  int first = 0;  ///< So many points come first by their values: from a file, or from the sweep before it grew.

  int size() const { return static_cast<int>(points.rows()); }
};

/// The parameters of a point: the base with the axes' values set. Throws input_error if the result is not valid.
parameters parameters_at(const design& d, const parameters& base, int point);

}  // namespace spikesweep
