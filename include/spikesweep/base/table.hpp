#pragma once

#include <iosfwd>
#include <string>
#include <vector>

namespace spikesweep {

/// A table for people: columns as wide as their widest cell, numbers to the right, everything else to the left.
class text_table {
 public:
  explicit text_table(std::vector<std::string> header) : header_(std::move(header)) {}

  /// Adds a row. Throws internal_error unless it has a cell for every column.
  void add_row(std::vector<std::string> cells);

  /// Prints header and rows, one line each, without trailing blanks. A header of empty names is left out.
  void print(std::ostream& out) const;

 private:
  std::vector<std::string> header_;
  std::vector<std::vector<std::string>> rows_;
};

/// A number for people: four significant digits; "-" if not finite.
std::string readable(double value);
/// Bytes for people, such as "1.5 GB".
std::string readable_bytes(double bytes);
/// Seconds for people, such as "850 ms", "12 s", "3 min 20 s" or "2 h 5 min"; "-" if not finite.
std::string readable_duration(double seconds);

}  // namespace spikesweep
