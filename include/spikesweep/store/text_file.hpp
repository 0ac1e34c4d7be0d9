#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace spikesweep {

/// Reads a whole file. Returns nothing if the file cannot be opened. Rank-local.
std::optional<std::string> find_text(const std::filesystem::path& path);

/// Reads a whole file. Throws input_error if the file cannot be opened. Rank-local.
std::string read_text(const std::filesystem::path& path);

/// Writes a file under a temporary name and renames it into place. Throws environment_error. Rank-local.
void write_text(const std::filesystem::path& path, const std::string& text);

}  // namespace spikesweep
