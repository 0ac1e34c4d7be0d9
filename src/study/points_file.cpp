#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <sstream>
#include <string_view>

#include <fmt/format.h>

#include <spikesweep/base/config_table.hpp>
#include <spikesweep/base/error.hpp>
#include <spikesweep/base/nearest.hpp>
#include <spikesweep/store/text_file.hpp>
#include <spikesweep/study/points_file.hpp>

namespace spikesweep {

namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blank = " \t\r";
  const auto first = text.find_first_not_of(blank);
  return first == std::string_view::npos ? std::string_view()
                                         : text.substr(first, text.find_last_not_of(blank) - first + 1);
}

/// R and some spreadsheets put quotes around names.
std::string_view unquoted(std::string_view cell) {
  const bool quoted = cell.size() >= 2 && cell.front() == '"' && cell.back() == '"';
  return quoted ? cell.substr(1, cell.size() - 2) : cell;
}

std::vector<std::string_view> cells_of(std::string_view line) {
  std::vector<std::string_view> cells;
  for (std::size_t begin = 0; begin <= line.size();) {
    const std::size_t end = std::min(line.find(',', begin), line.size());
    cells.push_back(unquoted(trimmed(line.substr(begin, end - begin))));
    begin = end + 1;
  }
  return cells;
}

input_error bad_cell(const std::string& name, int line, std::size_t column, const std::string& what) {
  return input_error(fmt::format("{}: line {}, column {}: {}", name, line, column + 1, what));
}

/// What the columns of a file hold.
struct header {
  std::size_t first = 0;                  ///< The first column that counts.
  std::vector<std::size_t> axes;          ///< Of the columns of numbers.
  std::optional<std::size_t> words = {};  ///< The column of words.

  /// Columns that count.
  std::size_t columns() const { return axes.size() + (words ? 1 : 0); }
};

header parse_header(const std::vector<std::string_view>& cells, const std::string& name, int line,
                    const point_columns& known) {
  header found;
  // R writes the names of rows into a first column that has none itself.
  found.first = cells.size() > 1 && cells.front().empty() ? 1 : 0;
  for (std::size_t column = found.first; column < cells.size(); ++column) {
    const std::string word(cells[column]);
    bool twice = false;
    if (!known.words.empty() && word == known.words) {
      twice = found.words.has_value();
      found.words = column;
    } else {
      const auto axis = std::ranges::find(known.axes, word);
      if (axis == known.axes.end()) {
        const std::string near = nearest_name(word, known.axes);
        throw bad_cell(name, line, column,
                       fmt::format("'{}' is not {}; {}", word, known.kind,
                                   near.empty() ? fmt::format("allowed: {}", fmt::join(known.axes, ", "))
                                                : "did you mean '" + near + "'?"));
      }
      const auto number = static_cast<std::size_t>(axis - known.axes.begin());
      twice = std::ranges::find(found.axes, number) != found.axes.end();
      found.axes.push_back(number);
    }
    if (twice) {
      throw bad_cell(name, line, column, fmt::format("'{}' is named twice", word));
    }
  }
  if (found.axes.empty()) {
    throw bad_cell(name, line, found.first, "the header names no axis");
  }
  return found;
}

double parse_number(std::string_view cell, const std::string& name, int line, std::size_t column) {
  double value = 0;
  const auto [end, failure] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  if (failure != std::errc() || end != cell.data() + cell.size() || !std::isfinite(value)) {
    throw bad_cell(name, line, column, fmt::format("'{}' is not a number", cell));
  }
  return without_sign_of_zero(value);
}

}  // namespace

std::string read_points_file(const std::string& name) {
  constexpr std::size_t largest = 256 << 20;  // More than the most points of a design take.
  std::optional<std::string> text = read_input(name, "points file", largest);
  if (!text) {
    throw input_error(fmt::format("points file '{}' is larger than 256 MiB; use fewer points", name));
  }
  return *std::move(text);
}

point_list parse_points(const std::string& text, const std::string& name, const point_columns& columns) {
  constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
  point_list out;
  std::istringstream stream(text.starts_with(byte_order_mark) ? text.substr(byte_order_mark.size()) : text);
  std::string line;
  header head;
  for (int number = 1; std::getline(stream, line); ++number) {
    const std::string_view content = trimmed(line);
    if (content.empty() || content.front() == '#') {
      continue;
    }
    const auto cells = cells_of(content);
    if (head.axes.empty()) {
      head = parse_header(cells, name, number, columns);
      out.axes = head.axes;
      continue;
    }
    const std::size_t wanted = head.first + head.columns();
    if (cells.size() != wanted) {
      throw bad_cell(name, number, std::min(cells.size(), wanted),
                     fmt::format("{} cells; the header has {}", cells.size(), wanted));
    }
    std::vector<double> values;
    for (std::size_t column = head.first; column < cells.size(); ++column) {
      if (column == head.words) {
        out.words.emplace_back(cells[column]);
      } else {
        values.push_back(parse_number(cells[column], name, number, column));
      }
    }
    out.values.push_back(std::move(values));
    out.line.push_back(number);
  }
  if (out.values.empty()) {
    throw input_error(name + " has no points; it needs a header of axis names and a line of numbers for each point");
  }
  return out;
}

}  // namespace spikesweep
