#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include <spikesweep/store/hdf5.hpp>

namespace spikesweep {

/// What a result was made from, kept in its file: so contents decide whether it is up to date, and not times or names.
struct origin {
  std::string from;      ///< Digest of what it was made from.
  std::string settings;  ///< The settings that it was made with.

  bool operator==(const origin&) const = default;
};

/// Writes the attributes `made_from` and `made_with` of the root. Serial.
void write_origin(hdf5::group& root, const origin& of);

/// Nothing if the file is of a version that wrote none.
std::optional<origin> read_origin(const hdf5::group& root);

/// The same of a file; nothing, too, if there is none, or none that can be read. Rank-local.
std::optional<origin> origin_of(const std::filesystem::path& path);

}  // namespace spikesweep
