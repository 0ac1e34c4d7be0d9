#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <string>

#include <spikesweep/parallel/collective.hpp>
#include <spikesweep/study/config.hpp>
#include <spikesweep/study/published_figures.hpp>

namespace spikesweep {

const std::string_view published_source = "Cai, Wu, Tao, Xiao 2021, Front. Comput. Neurosci. 15:678688";

namespace {

constexpr std::size_t models_of_each = 3;
constexpr std::array<published_rates, 3 * models_of_each> figures{{
    {"cai2021_small_hom", "full network", 30.86, 69.69},
    {"cai2021_small_hom", "reduced network", 35.57, 72.79},
    {"cai2021_small_hom", "coarse-grained", 29.38, 68.28},
    {"cai2021_small_reg", "full network", 34.73, 74.91},
    {"cai2021_small_reg", "reduced network", 40.56, 76.35},
    {"cai2021_small_reg", "coarse-grained", 32.47, 69.13},
    {"cai2021_small_syn", "full network", 39.87, 83.24},
    {"cai2021_small_syn", "reduced network", 45.47, 82.06},
    {"cai2021_small_syn", "coarse-grained", 41.61, 79.48},
}};

/// Networks that are run although they are no points of the sweep have numbers from here on: no sweep has so many.
constexpr int first_extra_point = 1 << 30;

/// Steps of a grid carry rounding.
bool equal(double a, double b) {
  constexpr double rounding = 1e-9;
  return std::abs(a - b) <= rounding * std::max(std::abs(a), std::abs(b));
}

/// The axis values at which the model's network is the given one; nothing if it is not at any, or outside the trained
/// ranges.
std::optional<std::vector<double>> values_at(const transition_space& space, const parameters& network) {
  std::vector<double> values;
  parameters own = space.base;
  for (const std::string& axis : space.axes) {
    const parameter_info& info = find_parameter(axis);
    values.push_back(get_parameter(network, info));
    set_parameter(own, info, values.back());
  }
  const bool same =
      own.inhibition == network.inhibition && std::ranges::all_of(parameter_table(), [&](const parameter_info& info) {
        return equal(get_parameter(own, info), get_parameter(network, info));
      });
  if (!same || distance_to_training(space, values) > 0) {
    return std::nullopt;
  }
  return values;
}

/// The number of the point with these values, if there is one.
std::optional<int> point_at(const design& points, const std::vector<double>& values) {
  for (int i = 0; i < points.size(); ++i) {
    if (std::ranges::equal(points.points.row(i), values, equal)) {
      return i;
    }
  }
  return std::nullopt;
}

published_comparison published_of(std::size_t preset) {
  published_comparison out;
  out.preset = figures[preset * models_of_each].preset;
  out.source = published_source;
  for (const published_rates& f : published_figures().subspan(preset * models_of_each, models_of_each)) {
    out.models.push_back({std::string(f.model), f.rate_E_hz, f.rate_I_hz});
  }
  return out;
}

}  // namespace

std::span<const published_rates> published_figures() {
  return figures;
}

std::vector<published_comparison> compare_with_published(const communicator& comm, const model& m, const design& points,
                                                         const validation_result& result, unfinished_result* saved) {
  std::vector<published_comparison> found;
  std::vector<validation_point> extra;
  for (std::size_t k = 0; k < figures.size() / models_of_each; ++k) {
    published_comparison comparison = published_of(k);
    const auto values = values_at(m.space, preset_network(comparison.preset));
    if (!values) {
      continue;
    }
    if (const auto point = point_at(points, *values)) {
      // On rank 0 alone; no test point either if its tasks failed.
      const auto validated = std::ranges::find(result.points, *point, &point_result::point);
      if (validated != result.points.end()) {
        comparison.here = *validated;
        found.push_back(comparison);
      }
      continue;
    }
    comparison.here.point = first_extra_point + static_cast<int>(k);
    extra.push_back({comparison.here.point, *values});
    found.push_back(comparison);
  }
  if (extra.empty()) {
    return found;
  }
  validation_settings settings = result.settings;
  settings.baselines = false;
  settings.raster_s = 0;
  const validation_result more = validate_model(comm, m, extra, settings, nullptr, saved);
  for (const point_result& point : more.points) {
    const auto place = std::ranges::find_if(
        found, [&](const published_comparison& comparison) { return comparison.here.point == point.point; });
    place->here = point;
    place->here.point = -1;
  }
  if (comm.rank() != 0) {
    found.clear();
  }
  return found;
}

}  // namespace spikesweep
