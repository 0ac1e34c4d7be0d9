#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <spikesweep/sweep/design.hpp>

namespace spikesweep {

using point_matrix = decltype(design::points);

/// What a stream of purpose::design is used for.
enum stream_use : std::uint32_t { sobol_shift, hypercube, held_out, candidate_shift };

/// A number for messages, without trailing zeros.
std::string number_text(double value);

/// The points that the kind of design places, no two of random ones the same; values that have to be whole are so.
point_matrix place_points(const design_settings& settings, std::uint64_t seed);

/// Shifts a column of points in the unit cube, around its end.
void shift_around(Eigen::Ref<Eigen::VectorXd, 0, Eigen::InnerStride<>> column, double shift);

/// Rounds the columns of parameters that have to be whole.
template <class Matrix>
void round_whole(Matrix& points, const std::vector<axis_settings>& axes) {
  for (std::size_t axis = 0; axis < axes.size(); ++axis) {
    if (find_parameter(axes[axis].parameter).whole()) {
      auto column = points.col(static_cast<Eigen::Index>(axis));
      column = column.array().round().matrix().eval();
    }
  }
}

}  // namespace spikesweep
