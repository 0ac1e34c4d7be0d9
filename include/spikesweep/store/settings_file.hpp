#pragma once

#include <functional>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <spikesweep/base/setting.hpp>
#include <spikesweep/network/parameters.hpp>
#include <spikesweep/store/hdf5.hpp>

/// Tables of settings as groups of datasets: one dataset a setting, named by its key, with its unit and description.
/// Files are read and written by one rank or by each on its own.
namespace spikesweep {

/// The settings that were looked for in the groups of a file. A file lacks those that were added after it was made: a
/// reader fills in what was in force then.
class settings_found {
 public:
  void look_for(const std::string& group, std::string_view key) { wanted_[group].emplace(key); }
  void fill_in(const std::string& path, const std::string& value) { filled_in_.push_back(path + " = " + value); }
  /// Says on standard error, once for each file and process, what was filled in. Throws format_error if a group holds a
  /// setting that nobody has looked for: a newer version wrote it, and it may mean that the others mean something else.
  void report(const hdf5::group& root) const;

 private:
  std::map<std::string, std::set<std::string, std::less<>>> wanted_;  ///< Keys by group.
  std::vector<std::string> filled_in_;                                ///< "PATH = VALUE"
};

/// Writes one setting into a group of the file, which is made where it is missing.
void write_setting(hdf5::group& root, const std::string& group, const setting_info& row, const setting_value& value);

/// Reads one setting. Throws input_error if it is missing although no older version lacked it, and if it is a word that
/// is not allowed.
setting_value read_setting(const hdf5::group& root, const std::string& group, const setting_info& row,
                           settings_found& found);

/// Writes every setting of a table, in its order.
template <class S>
void write_settings(hdf5::group& root, const std::string& group, std::span<const setting<S>> rows, const S& values) {
  for (const setting<S>& row : rows) {
    write_setting(root, group, row, row.get(values));
  }
}

/// Reads every setting of a table. Throws as read_setting does.
template <class S>
void read_settings(const hdf5::group& root, const std::string& group, std::span<const setting<S>> rows, S& values,
                   settings_found& found) {
  for (const setting<S>& row : rows) {
    row.set(values, read_setting(root, group, row, found));
  }
}

/// Writes every parameter of a network and what is chosen of it by a word.
void write_network(hdf5::group& root, const std::string& group, const parameters& network);

/// Reads a network. Throws input_error if a parameter is out of range, and as read_setting does.
parameters read_network(const hdf5::group& root, const std::string& group, settings_found& found);

/// Reads names of axes. Throws input_error if one is no parameter, or stands there twice.
std::vector<std::string> read_axes(const hdf5::group& root, const std::string& path);

/// Throws input_error unless each of these values, read from `path`, is possible for its axis: the values of a row are
/// those of all axes in their order.
void check_axis_values(const hdf5::group& root, const std::string& path, std::span<const std::string> axes,
                       std::span<const double> rows);

}  // namespace spikesweep
