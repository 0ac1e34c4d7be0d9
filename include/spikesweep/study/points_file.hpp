#pragma once

#include <functional>
#include <string>
#include <vector>

namespace spikesweep {

/// Points from a CSV file: a header of axis names, then a line of numbers for each point. Empty lines and those that
/// start with # are skipped.
struct point_list {
  std::vector<std::size_t> axes;            ///< Number of the axis in each column of numbers.
  std::vector<std::vector<double>> values;  ///< One a column of numbers, for each point.
  std::vector<std::string> words;           ///< Of each point; empty if the file has no column of words.
  std::vector<int> line;                    ///< Of each point, from 1.
};

/// The columns that a file of points may have, in any order.
struct point_columns {
  std::vector<std::string> axes;
  std::string kind = "an axis of the model";  ///< What they are, for messages.
  std::string words = {};                     ///< A column of words that may stand beside them; empty: none may.
};

/// The text of a points file, which may be a pipe. Throws input_error if it cannot be read, or is too large.
std::string read_points_file(const std::string& name);

/// Parses the text of a file called `name`. Throws input_error with line and column for a header that names an unknown
/// column, or one twice, for a cell that is no finite number, for a line of another number of cells, and for a file
/// without points.
point_list parse_points(const std::string& text, const std::string& name, const point_columns& columns);

}  // namespace spikesweep
