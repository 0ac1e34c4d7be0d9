#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <set>

#include <spikesweep/learning/emulator.hpp>
#include <spikesweep/surrogate/closed_loop_rates.hpp>
#include <spikesweep/surrogate/maps.hpp>

namespace spikesweep {

namespace {

constexpr int chains_per_place = 4;
/// Apart from the points of a sweep.
constexpr std::uint32_t first_id = 1U << 30;

double middle(const std::pair<double, double>& range, const parameter_info& of) {
  const double m = 0.5 * (range.first + range.second);
  return of.whole() ? std::round(m) : m;
}

std::vector<double> middle_of(const transition_space& space) {
  std::vector<double> values;
  for (std::size_t a = 0; a < space.axes.size(); ++a) {
    values.push_back(middle(space.range(a), find_parameter(space.axes[a])));
  }
  return values;
}

/// Values from one end of the range of an axis to the other.
std::vector<double> coordinates_of(const transition_space& space, std::size_t axis, int places) {
  const auto [lowest, highest] = space.range(axis);
  const bool whole = find_parameter(space.axes[axis]).whole();
  std::set<double> values;
  for (int k = 0; k < places; ++k) {
    const double share = places > 1 ? static_cast<double>(k) / (places - 1) : 0.5;
    const double value = std::clamp(lowest + share * (highest - lowest), lowest, highest);
    values.insert(whole ? std::round(value) : value);
  }
  return {values.begin(), values.end()};
}

/// How far the regression of the E rate, or of its logarithm, goes up and down along an axis through the middle.
double variation(const model& m, std::size_t axis, int places) {
  const std::vector<double> values = coordinates_of(m.space, axis, places);
  const std::vector<double> others = middle_of(m.space);
  Eigen::MatrixXd points(static_cast<Eigen::Index>(values.size()), static_cast<Eigen::Index>(others.size()));
  for (std::size_t k = 0; k < values.size(); ++k) {
    for (std::size_t a = 0; a < others.size(); ++a) {
      points(static_cast<Eigen::Index>(k), static_cast<Eigen::Index>(a)) = a == axis ? values[k] : others[a];
    }
  }
  double lowest = 0;
  double highest = 0;
  bool first = true;
  for (const run_figures& found : emulate(m.emulator, points).figures) {
    const double rate = found.rate_E();
    if (!std::isnan(rate)) {
      lowest = first ? rate : std::min(lowest, rate);
      highest = first ? rate : std::max(highest, rate);
      first = false;
    }
  }
  return highest - lowest;
}

/// The axes that vary, in the order of the model.
std::vector<std::size_t> mapped_axes(const model& m, int places) {
  std::vector<std::size_t> axes;
  for (std::size_t a = 0; a < m.space.axes.size(); ++a) {
    if (coordinates_of(m.space, a, places).size() > 1) {
      axes.push_back(a);
    }
  }
  if (axes.size() > most_mapped_axes) {
    std::vector<double> by(m.space.axes.size());
    for (const std::size_t a : axes) {
      by[a] = variation(m, a, places);
    }
    std::ranges::stable_sort(axes, std::greater<>(), [&by](std::size_t a) { return by[a]; });
    axes.resize(most_mapped_axes);
    std::ranges::sort(axes);
  }
  return axes;
}

rate_settings loop_of(const model& m, const validation_settings& settings) {
  rate_settings loop{settings.map_s, chains_per_place, m.surrogate().seed};
  loop.peak_band = settings.peak_band();
  return loop;
}

}  // namespace

std::size_t mapped_plane::places() const {
  std::size_t n = 1;
  for (const std::vector<double>& values : coordinates) {
    n *= values.size();
  }
  return n;
}

std::vector<double> mapped_plane::at(const transition_space& space, std::size_t place) const {
  std::vector<double> values = middle_of(space);
  for (std::size_t k = axes.size(); k-- > 0;) {
    values[axes[k]] = coordinates[k][place % coordinates[k].size()];
    place /= coordinates[k].size();
  }
  return values;
}

std::vector<mapped_plane> planes_of(const model& m, int places) {
  std::vector<mapped_plane> planes;
  const std::vector<std::size_t> axes = mapped_axes(m, places);
  if (axes.size() == 1) {
    planes.push_back({axes, {coordinates_of(m.space, axes[0], places)}});
  }
  for (std::size_t i = 0; i < axes.size(); ++i) {
    for (std::size_t j = i + 1; j < axes.size(); ++j) {
      planes.push_back(
          {{axes[i], axes[j]}, {coordinates_of(m.space, axes[i], places), coordinates_of(m.space, axes[j], places)}});
    }
  }
  return planes;
}

surrogate_maps map_surrogate(const communicator& comm, const model& m, const validation_settings& settings,
                             const std::function<bool()>& stop) {
  surrogate_maps maps{predicted_figures(), planes_of(m, settings.map_places), {}};
  std::vector<loop_point> points;
  for (const mapped_plane& plane : maps.planes) {
    for (std::size_t place = 0; place < plane.places(); ++place) {
      points.push_back({plane.at(m.space, place), first_id + static_cast<std::uint32_t>(points.size())});
    }
  }
  const Eigen::MatrixXd found =
      closed_loop_figures(comm, predictor(m), points, maps.figures, loop_of(m, settings), stop);
  Eigen::Index first = 0;
  for (const mapped_plane& plane : maps.planes) {
    const auto places = static_cast<Eigen::Index>(plane.places());
    maps.values.emplace_back(found.middleRows(first, places));
    first += places;
  }
  return maps;
}

double map_time_s(const std::vector<mapped_plane>& planes, const validation_settings& settings) {
  const std::size_t places = std::transform_reduce(planes.begin(), planes.end(), std::size_t{0}, std::plus<>(),
                                                   [](const mapped_plane& plane) { return plane.places(); });
  return loop_time_s(places, {settings.map_s, chains_per_place});
}

}  // namespace spikesweep
