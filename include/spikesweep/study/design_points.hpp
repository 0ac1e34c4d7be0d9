#pragma once

#include <string>
#include <string_view>

#include <spikesweep/study/config.hpp>

namespace spikesweep {

/// The name of the copy of a config's points, which stands beside the config in force.
inline constexpr std::string_view points_copy = "config.points.csv";

/// Parses the points that a design begins with, from the text of a CSV file called `name`: a column for each swept
/// parameter, and maybe a column `role`. Throws input_error with the line for what parse_points refuses, a value that
/// the parameter cannot have, an unknown role, and a point that stands there twice.
first_points parse_first_points(const std::string& text, const std::string& name);

/// The same points as text: equal points, equal text.
std::string points_text(const first_points& points);
/// The digest of this text.
std::string digest_of(const first_points& points);

/// The points of a sweep as points that come first, with their roles.
first_points first_points_of(const design& d, int count);

/// Fills in what the points mean for the design: its axes, if the config has none, and the number of points, if the
/// config does not say it. `table` is bound to `config` and knows which keys were set. Throws input_error unless the
/// points have the axes of the config, within their ranges.
void take_first_points(configuration& config, const config_table& table, first_points points);

/// The config with points that come first. Throws as parse_configuration does.
configuration with_first_points(const configuration& config, const first_points& points);

}  // namespace spikesweep
