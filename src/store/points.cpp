#include <string>

#include <spikesweep/base/error.hpp>
#include <spikesweep/store/points.hpp>

namespace spikesweep {

std::string_view name_of(point_role role) {
  switch (role) {
    case point_role::train:
      return "train";
    case point_role::selection:
      return "selection";
    case point_role::test:
      return "test";
  }
  throw internal_error("unknown role of a point");
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
