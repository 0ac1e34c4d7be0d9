#include <algorithm>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <boost/serialization/string.hpp>
#include <boost/serialization/vector.hpp>

#include <spikesweep/parallel/collective.hpp>
#include <spikesweep/store/sweep_file.hpp>
#include <spikesweep/study/design_points.hpp>
#include <spikesweep/study/grown_sweep.hpp>
#include <spikesweep/study/refine.hpp>

namespace spikesweep {

namespace {

/// Points that rounds of refining added, as rank 0 sends them.
struct refined_points {
  std::vector<std::string> axes;
  std::vector<double> values;  ///< One point after another.
  std::vector<int> rounds;     ///< Of each point.

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& axes& values& rounds;
  }
};

bool is_there(const std::filesystem::path& sweep_file, const sweep_flags& flags) {
  std::error_code unknown;
  return !flags.fresh && std::filesystem::exists(sweep_file, unknown);
}

/// Those behind the points that come first: what was refined before the sweep grew is among these.
refined_points refined_points_of(const design& d, int first) {
  refined_points refined;
  refined.axes = d.axes;
  for (auto point = static_cast<std::size_t>(first); point < d.rounds.size(); ++point) {
    if (d.rounds[point] > 0) {
      const auto values = d.points.row(static_cast<Eigen::Index>(point));
      refined.values.insert(refined.values.end(), values.begin(), values.end());
      refined.rounds.push_back(d.rounds[point]);
    }
  }
  return refined;
}

void append(const refined_points& refined, design& d) {
  if (refined.axes != d.axes) {
    return;  // The file holds another sweep. Opening it for writing refuses it and says why.
  }
  const auto axes = static_cast<Eigen::Index>(d.axes.size());
  for (std::size_t i = 0; i < refined.rounds.size(); ++i) {
    append_point(
        d, Eigen::Map<const Eigen::RowVectorXd>(refined.values.data() + static_cast<Eigen::Index>(i) * axes, axes),
        refined.rounds[i]);
  }
}

/// Whether the axes are those of the points, in this order, and hold all of them.
bool hold(const std::vector<axis_settings>& axes, const first_points& points) {
  if (axes.size() != points.axes.size()) {
    return false;
  }
  for (std::size_t axis = 0; axis < axes.size(); ++axis) {
    const auto column = points.values.col(static_cast<Eigen::Index>(axis));
    const auto [lowest, highest] = range_of(axes[axis]);
    if (axes[axis].parameter != points.axes[axis] || column.minCoeff() < lowest || column.maxCoeff() > highest) {
      return false;
    }
  }
  return true;
}

/// The points that came first when the file was made, if the config lacks them: if it has no such points, or only the
/// first of them. Points whose roles were drawn are no such points: the config has to name them.
std::optional<first_points> earlier_points(const configuration& config, const sweep_description& stored) {
  const first_points& given = config.design.first;
  const int count = stored.points.first;
  if (count <= given.size() || (given.size() > 0 && given.axes != stored.points.axes)) {
    return std::nullopt;
  }
  first_points there = first_points_of(stored.points, count);
  const bool begins_with_given =
      given.size() == 0 ||
      (there.values.topRows(given.size()) == given.values &&
       (given.roles.empty() || std::equal(given.roles.begin(), given.roles.end(), there.roles.begin())));
  const auto named = std::ranges::find(stored.settings, "design.points_file", &canonical_setting::first);
  const bool kept = named != stored.settings.end() && named->second == digest_of(there);
  return begins_with_given && kept && hold(config.design.axes, there) ? std::optional(std::move(there)) : std::nullopt;
}

/// The points that come first besides those of the config, on rank 0; nothing if there are none.
std::optional<first_points> points_to_keep(const configuration& config, const sweep_description& stored, bool extend) {
  std::optional<first_points> earlier = earlier_points(config, stored);
  if (!extend) {
    return earlier;
  }
  sweep_description given = describe_sweep(earlier ? with_first_points(config, *earlier) : config);
  append(refined_points_of(stored.points, given.points.first), given.points);
  first_points all = first_points_of(stored.points, stored.points.size());
  if (growth_obstacles(stored, given).empty() || !hold(config.design.axes, all)) {
    return earlier;
  }
  const bool grows = describe_sweep(with_first_points(config, all)).points.size() > stored.points.size();
  return grows ? std::optional(std::move(all)) : earlier;
}

}  // namespace

configuration config_of_sweep(const communicator& ranks, const configuration& config,
                              const std::filesystem::path& sweep_file, const sweep_flags& flags) {
  const std::string kept = on_root(ranks, [&] {
    if (!is_there(sweep_file, flags) || config.design.axes.empty()) {
      return std::string();
    }
    const std::optional<first_points> points =
        points_to_keep(config, sweep_reader(sweep_file).description(), flags.extend);
    return points ? points_text(*points) : std::string();
  });
  return kept.empty() ? config : with_first_points(config, parse_first_points(kept, sweep_file.string()));
}

sweep_description describe_sweep(const communicator& ranks, const configuration& config,
                                 const std::filesystem::path& sweep_file, const sweep_flags& flags) {
  sweep_description description = describe_sweep(config);
  append(on_root(ranks,
                 [&] {
                   return is_there(sweep_file, flags) ? refined_points_of(sweep_reader(sweep_file).description().points,
                                                                          config.design.first.size())
                                                      : refined_points();
                 }),
         description.points);
  return description;
}

}  // namespace spikesweep
