#include <span>
#include <string>

#include <spikesweep/surrogate/maps.hpp>

namespace spikesweep {

void write_maps(hdf5::group& root, const surrogate_maps& maps, const transition_space& space) {
  hdf5::group group = root.create_group("maps");
  group.write_attribute("description",
                        std::string("figures of the surrogate over planes of the box of the axes; in each plane the "
                                    "other axes have the middle of their ranges"));
  for (std::size_t p = 0; p < maps.planes.size(); ++p) {
    const mapped_plane& plane = maps.planes[p];
    std::string name;
    hdf5::extent shape;
    for (std::size_t k = 0; k < plane.axes.size(); ++k) {
      name += (k > 0 ? "," : "") + space.axes[plane.axes[k]];
      shape.push_back(plane.coordinates[k].size());
    }
    for (std::size_t k = 0; k < plane.axes.size(); ++k) {
      const std::string& axis = space.axes[plane.axes[k]];
      group.write_array(name + "/" + axis, plane.coordinates[k],
                        {std::string(find_parameter(axis).unit), "values of the axis at which the plane is mapped"});
    }
    for (std::size_t f = 0; f < maps.figures.size(); ++f) {
      const figure& of = maps.figures[f];
      const auto column = maps.values[p].col(static_cast<Eigen::Index>(f));
      group.write_array<double>(name + "/" + of.name, std::span(column.data(), static_cast<std::size_t>(column.size())),
                                shape, {of.unit, of.definition + "; one dimension for each axis of the name"});
    }
  }
}

}  // namespace spikesweep
