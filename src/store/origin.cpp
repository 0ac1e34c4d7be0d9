#include <system_error>

#include <spikesweep/base/error.hpp>
#include <spikesweep/store/origin.hpp>

namespace spikesweep {

namespace {

constexpr const char* from_attribute = "made_from";
constexpr const char* settings_attribute = "made_with";

}  // namespace

void write_origin(hdf5::group& root, const origin& of) {
  root.write_attribute(from_attribute, of.from);
  root.write_attribute(settings_attribute, of.settings);
}

std::optional<origin> read_origin(const hdf5::group& root) {
  if (!root.has_attribute(from_attribute) || !root.has_attribute(settings_attribute)) {
    return std::nullopt;
  }
  return origin{root.read_string_attribute(from_attribute), root.read_string_attribute(settings_attribute)};
}

std::optional<origin> origin_of(const std::filesystem::path& path) {
  std::error_code unknown;
  if (!std::filesystem::is_regular_file(path, unknown)) {
    return std::nullopt;
  }
  hdf5::check_readable(path);  // What cannot be read may be up to date.
  try {
    return read_origin(hdf5::file::open(path).root());
  } catch (const input_error&) {
    return std::nullopt;  // Damaged: it is made anew.
  }
}

}  // namespace spikesweep
