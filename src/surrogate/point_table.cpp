#include "point_table.hpp"

#include <spikesweep/network/parameters.hpp>

namespace spikesweep {

void write_axis_values(hdf5::group& root, const std::vector<std::string>& axes,
                       const std::vector<std::vector<double>>& values) {
  const std::size_t columns = axes.size();
  std::vector<std::string> units;
  for (const auto& axis : axes) {
    units.emplace_back(find_parameter(axis).unit);
  }
  root.write_strings("points/axis", axes, {columns}, {"1", "swept parameters"});
  root.write_strings("points/unit", units, {columns}, {"1", "unit of each axis"});
  std::vector<double> all;
  for (const auto& point : values) {
    all.insert(all.end(), point.begin(), point.end());
  }
  root.write_array<double>("points/values", all, {values.size(), columns},
                           {"points/unit", "axis values of the points"});
}

}  // namespace spikesweep
