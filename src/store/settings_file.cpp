#include <algorithm>
#include <cstdint>

#include <fmt/format.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/base/log.hpp>
#include <spikesweep/store/file_format.hpp>
#include <spikesweep/store/settings_file.hpp>

namespace spikesweep {

namespace {

std::string path_of(const std::string& group, std::string_view key) {
  return fmt::format("{}/{}", group, key);
}

/// A word of a file as one of the allowed words, which live as long as the program.
std::string_view allowed_word(const setting_info& row, const std::string& word, const hdf5::place& where) {
  const std::vector<std::string_view> words = row.words();
  const auto found = std::ranges::find(words, word);
  if (found == words.end()) {
    throw input_error(fmt::format(
        "/{} in {} is '{}', which this version does not know; it knows {}; use the version that made the file",
        where.path, where.file, word, fmt::join(words, ", ")));
  }
  return *found;
}

/// The ranges of settings hold for files, too: what is outside is damage.
template <class T>
T in_range(T value, const setting_info& row, const hdf5::place& where) {
  const auto number = static_cast<double>(value);
  if (!(number >= row.range.minimum && number <= row.range.maximum)) {  // Not a number is outside, too.
    throw input_error(fmt::format("/{} in {} is {}; allowed: {} to {}; the file is damaged: restore it", where.path,
                                  where.file, value, row.range.minimum, row.range.maximum));
  }
  return value;
}

/// What `check` refuses, it refuses of what stands at this place of a file.
template <class Check>
void check_contents(const hdf5::place& where, const Check& check) {
  try {
    check();
  } catch (const input_error& error) {
    throw input_error(
        fmt::format("/{} in {}: {}; the file is damaged: restore it", where.path, where.file, error.what()));
  }
}

bool is_short(const setting_info& row) {
  return row.bytes == sizeof(std::int32_t);
}

}  // namespace

void settings_found::report(const hdf5::group& root) const {
  for (const auto& [group, keys] : wanted_) {
    if (!root.has(group)) {
      continue;  // All of it was added later.
    }
    for (const std::string& name : root.open_group(group).names()) {
      if (!keys.contains(name)) {
        throw format_error(
            fmt::format("{} in {}, made by spikesweep {}, is a setting that this spikesweep " SPIKESWEEP_VERSION
                        " does not know; use the version that made the file",
                        path_of('/' + group, name), root.where().file, maker_of(root)));
      }
    }
  }
  if (!filled_in_.empty()) {
    log_warning_once(fmt::format(
        "{}, made by spikesweep {}, lacks settings that were added later; it is read with what was in force then: {}",
        root.where().file, maker_of(root), fmt::join(filled_in_, ", ")));
  }
}

void write_setting(hdf5::group& root, const std::string& group, const setting_info& row, const setting_value& value) {
  const std::string path = path_of(group, row.key);
  const hdf5::label text{std::string(row.unit), std::string(row.description)};
  switch (row.type) {
    case setting_type::flag:
      root.write_scalar(path, static_cast<std::uint8_t>(std::get<bool>(value)), text);
      return;
    case setting_type::whole:
      if (is_short(row)) {
        root.write_scalar(path, static_cast<std::int32_t>(std::get<std::int64_t>(value)), text);
      } else {
        root.write_scalar(path, std::get<std::int64_t>(value), text);
      }
      return;
    case setting_type::number:
      root.write_scalar(path, std::get<double>(value), text);
      return;
    case setting_type::word:
      root.write_string(path, std::get<std::string_view>(value), text);
      return;
  }
  throw internal_error("unknown type of a setting");
}

setting_value read_setting(const hdf5::group& root, const std::string& group, const setting_info& row,
                           settings_found& found) {
  const std::string path = path_of(group, row.key);
  found.look_for(group, row.key);
  if (row.absent && !root.has(path)) {
    found.fill_in(path, to_text(*row.absent));
    return *row.absent;
  }
  switch (row.type) {
    case setting_type::flag:
      return root.read_scalar<std::uint8_t>(path) != 0;
    case setting_type::whole:
      return in_range(is_short(row) ? root.read_scalar<std::int32_t>(path) : root.read_scalar<std::int64_t>(path), row,
                      {root.where().file, path});
    case setting_type::number:
      return in_range(root.read_scalar<double>(path), row, {root.where().file, path});
    case setting_type::word:
      return allowed_word(row, root.read_string(path), {root.where().file, path});
  }
  throw internal_error("unknown type of a setting");
}

void write_network(hdf5::group& root, const std::string& group, const parameters& network) {
  for (const parameter_info& info : parameter_table()) {
    root.write_scalar(path_of(group, info.name), get_parameter(network, info),
                      {std::string(info.unit), std::string(info.description)});
  }
  write_settings(root, group, network_choice_table(), network);
}

parameters read_network(const hdf5::group& root, const std::string& group, settings_found& found) {
  parameters network;
  for (const parameter_info& info : parameter_table()) {
    const std::string path = path_of(group, info.name);
    found.look_for(group, info.name);
    if (info.absent && !root.has(path)) {
      found.fill_in(path, fmt::format("{}", *info.absent));
      set_parameter(network, info, *info.absent);
    } else {
      const auto value = root.read_scalar<double>(path);
      check_contents({root.where().file, path}, [&] { set_parameter(network, info, value); });
    }
  }
  read_settings(root, group, network_choice_table(), network, found);
  check_contents({root.where().file, group}, [&] { validate(network); });
  return network;
}

std::vector<std::string> read_axes(const hdf5::group& root, const std::string& path) {
  std::vector<std::string> axes = root.read_strings(path);
  const hdf5::place where{root.where().file, path};
  for (auto axis = axes.begin(); axis != axes.end(); ++axis) {
    check_contents(where, [&] {
      find_parameter(*axis);
      if (std::find(axes.begin(), axis, *axis) != axis) {
        throw input_error(fmt::format("axis {} is there twice", *axis));
      }
    });
  }
  return axes;
}

void check_axis_values(const hdf5::group& root, const std::string& path, std::span<const std::string> axes,
                       std::span<const double> rows) {
  std::vector<const parameter_info*> parameters_of_axes;
  for (const std::string& axis : axes) {
    parameters_of_axes.push_back(&find_parameter(axis));
  }
  parameters ignored;
  check_contents({root.where().file, path}, [&] {
    for (std::size_t i = 0; i < rows.size(); ++i) {
      set_parameter(ignored, *parameters_of_axes[i % axes.size()], rows[i]);
    }
  });
}

}  // namespace spikesweep
