#pragma once

#include <functional>
#include <string>
#include <vector>

namespace spikesweep {

/// Points from a CSV file: a header of axis names, then a line of numbers for each point. Empty lines and those that
/// start with # are skipped.
struct point_list {
  std::vector<std::size_t> axes;            ///< Number of the axis in each column.
  std::vector<std::vector<double>> values;  ///< One a column, for each point.
  std::vector<int> line;                    ///< Of each point, from 1.
};

/// Parses the text of a file called `name`. Throws input_error with line and column for a header that names an unknown
/// axis, or one twice, for a cell that is no finite number, for a line of another number of cells, and for a file
/// without points.
point_list parse_points(const std::string& text, const std::string& name, const std::vector<std::string>& axes);

}  // namespace spikesweep
