#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <spikesweep/base/setting.hpp>

namespace spikesweep {

/// What a key decides: results are reused only where every key of their group is the same.
enum class config_group {
  sweep,       ///< The bytes of the sweep file.
  refinement,  ///< Which points are added to it; those that are there stay.
  learning,    ///< The model, given the sweep file.
  validation,  ///< The validation, given the model.
  place        ///< Nothing: it says where contents are, and the contents decide.
};

/// A value as TOML writes it. Lists and tables hold numbers only, or lists hold such tables.
using config_value = std::variant<bool, std::int64_t, double, std::string, std::vector<double>,
                                  std::map<std::string, double>, std::vector<std::map<std::string, double>>>;

/// What kind of value a key takes.
enum class config_type {
  flag,    ///< true or false
  whole,   ///< a whole number
  number,  ///< a finite number
  choice,  ///< one of a list of words
  axis,    ///< values of a swept parameter: a list, or a table of min, max and steps
  points,  ///< single points: a list of tables, each with a value of every swept parameter
  file     ///< the name of a file
};

/// -0 is the number 0, and no other setting than 0.
constexpr double without_sign_of_zero(double value) {
  return value == 0 ? 0.0 : value;
}

/// The text of a value in TOML, doubles as the shortest text that reads back to the same bits.
std::string to_text(const config_value& value);

/// Where a key was set.
struct config_place {
  std::string source;  ///< File name, or "--set".
  int line = 0;        ///< Counted from 1; 0: it has none.

  /// "FILE:LINE", or the source alone.
  std::string text() const;
};

/// One key: everything that parsing, validation, comparison and documentation need to know about it.
struct config_entry {
  std::string key;  ///< With its section, as in "sweep.perturb_share".
  config_type type = config_type::number;
  config_group group = config_group::sweep;
  std::string unit = {};                  ///< "1" if dimensionless; empty if the value is no number.
  double minimum = 0;                     ///< Included.
  double maximum = 0;                     ///< Included.
  std::vector<std::string> choices = {};  ///< Of type choice.
  std::string description = {};
  std::optional<config_value> absent = {};  ///< The value of sweeps from before there was this key, if it is known.
  bool first = false;                       ///< Set before every other key of the same source, wherever it is written.
  /// Takes a value of the right type that is in range: int64 for `whole`, double for `number`, and so on. May throw
  /// input_error with a reason, to which the table adds place, key and value.
  std::function<void(const config_value&)> set = {};
  /// The value now; nothing if the key does not count, such as an axis that is not swept.
  std::function<std::optional<config_value>()> get = {};

  /// The allowed values, for messages and documentation.
  std::string allowed() const;
};

/// Keys bound to the settings that they fill in. Holds references to these: it must not outlive them.
class config_table {
 public:
  void add(config_entry entry);

  std::span<const config_entry> entries() const { return entries_; }
  /// Null if there is no such key.
  const config_entry* find(std::string_view key) const;

  /// Sets a key. Throws input_error, on one line with place, key, value and what is allowed.
  void set(const std::string& key, const config_value& value, const config_place& place);

  /// Where a key was last set; nothing if it never was.
  std::optional<config_place> place_of(const std::string& key) const;

  /// Throws input_error about the value that a key has now: "PLACE: key 'KEY' = VALUE REASON". A key that was never set
  /// is placed in `source`.
  [[noreturn]] void refuse(const std::string& key, const std::string& reason, const std::string& source) const;

  /// Throws input_error for a key that is not there, with the nearest one that is.
  [[noreturn]] void refuse_unknown(const std::string& key, const config_place& place) const;

  /// Key and value of every entry of a group that has one, in the order of the table.
  std::vector<std::pair<std::string, std::string>> values(config_group group) const;

 private:
  std::vector<config_entry> entries_;
  std::map<std::string, config_place> places_;
};

/// A row of a table of settings as a key of a section, which may be empty: a key at the top level. `get` and `set`
/// reach the setting.
config_entry entry_of(const setting_info& row, std::string_view section, config_group group,
                      std::function<setting_value()> get, std::function<void(const setting_value&)> set);

/// Adds a key for every row of a table of settings, bound to `target`. The rows have to outlive the table.
template <class S>
void add_settings(config_table& table, std::string_view section, config_group group, std::span<const setting<S>> rows,
                  S& target) {
  for (const setting<S>& row : rows) {
    table.add(entry_of(
        row, section, group, [&target, &row] { return row.get(target); },
        [&target, &row](const setting_value& value) { row.set(target, value); }));
  }
}

/// Sets every key of a TOML text. Throws input_error for a syntax error or a bad key, with `source` and line.
void read_toml(config_table& table, std::string_view text, const std::string& source);

/// Sets keys from assignments "key=value"; values as in TOML, words without quotes. Later ones win. A key that is not
/// in the table but is in `section` may leave its section out. Returns the full keys. Throws input_error.
std::vector<std::string> apply_overrides(config_table& table, std::span<const std::string> assignments,
                                         const std::string& section);

}  // namespace spikesweep
