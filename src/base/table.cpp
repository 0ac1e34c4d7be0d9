#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <ostream>

#include <fmt/format.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/base/table.hpp>

namespace spikesweep {

namespace {

/// Columns that a terminal needs: code points of UTF-8 text.
std::size_t display_width(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

bool is_number(const std::string& cell) {
  double value = 0;
  return cell == "-" || std::from_chars(cell.data(), cell.data() + cell.size(), value).ec == std::errc{};
}

std::string line_of(const std::vector<std::string>& cells, const std::vector<std::size_t>& widths,
                    const std::vector<bool>& to_the_right) {
  std::string line;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const std::string padding(widths[i] - display_width(cells[i]), ' ');
    line += (i > 0 ? "  " : "") + (to_the_right[i] ? padding + cells[i] : cells[i] + padding);
  }
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

}  // namespace

void text_table::add_row(std::vector<std::string> cells) {
  if (cells.size() != header_.size()) {
    throw internal_error(fmt::format("a table of {} columns got a row of {}", header_.size(), cells.size()));
  }
  rows_.push_back(std::move(cells));
}

void text_table::print(std::ostream& out) const {
  std::vector<std::size_t> widths;
  std::vector<bool> numeric;
  for (std::size_t i = 0; i < header_.size(); ++i) {
    std::size_t width = display_width(header_[i]);
    bool numbers = !rows_.empty();
    for (const auto& row : rows_) {
      width = std::max(width, display_width(row[i]));
      numbers = numbers && is_number(row[i]);
    }
    widths.push_back(width);
    numeric.push_back(numbers);
  }
  if (std::any_of(header_.begin(), header_.end(), [](const std::string& name) { return !name.empty(); })) {
    out << line_of(header_, widths, numeric) << '\n';
  }
  for (const auto& row : rows_) {
    out << line_of(row, widths, numeric) << '\n';
  }
}

std::string readable(double value) {
  return std::isfinite(value) ? fmt::format("{:.4g}", value) : "-";
}

std::string readable_bytes(double bytes) {
  constexpr std::array units{"B", "kB", "MB", "GB", "TB", "PB"};
  constexpr double step = 1000;
  std::size_t unit = 0;
  while (bytes >= step && unit + 1 < units.size()) {
    bytes /= step;
    ++unit;
  }
  return fmt::format("{:.3g} {}", bytes, units[unit]);
}

std::string readable_duration(double seconds) {
  if (!std::isfinite(seconds)) {
    return "-";
  }
  constexpr double minute = 60;
  constexpr double hour = 3600;
  if (seconds < 1) {
    return fmt::format("{:.3g} ms", seconds * 1e3);
  }
  if (seconds < minute) {
    return fmt::format("{:.3g} s", seconds);
  }
  const auto whole = static_cast<std::int64_t>(std::llround(seconds));
  if (seconds < hour) {
    return fmt::format("{} min {} s", whole / 60, whole % 60);
  }
  return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
}

}  // namespace spikesweep
