#include <algorithm>
#include <limits>
#include <string>

#include <spikesweep/base/error.hpp>
#include <spikesweep/store/points.hpp>

namespace spikesweep {

std::vector<swept_range> training_ranges(const design& d) {
  std::vector<swept_range> ranges;
  for (std::size_t axis = 0; axis < d.axes.size(); ++axis) {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    swept_range range{&find_parameter(d.axes[axis]), infinity, -infinity};
    for (std::size_t point = 0; point < d.roles.size(); ++point) {
      if (d.roles[point] == point_role::train) {
        const double value = d.points(static_cast<Eigen::Index>(point), static_cast<Eigen::Index>(axis));
        range.minimum = std::min(range.minimum, value);
        range.maximum = std::max(range.maximum, value);
      }
    }
    if (range.minimum <= range.maximum) {
      ranges.push_back(range);
    }
  }
  return ranges;
}

parameters parameters_at(const design& d, const parameters& base, int point) {
  if (point < 0 || point >= d.size()) {
    throw internal_error("no point " + std::to_string(point) + " in a design of " + std::to_string(d.size()));
  }
  parameters p = base;
  for (std::size_t axis = 0; axis < d.axes.size(); ++axis) {
    set_parameter(p, find_parameter(d.axes[axis]), d.points(point, static_cast<Eigen::Index>(axis)));
  }
  return p;
}

}  // namespace spikesweep
