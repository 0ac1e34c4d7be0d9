#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>

#include <spikesweep/store/atomic_file.hpp>

namespace spikesweep {

/// Reads a whole file that a command has written. Returns nothing if there is no regular file of this name that can be
/// opened: a pipe of this name is not waited for. Rank-local.
std::optional<std::string> find_text(const std::filesystem::path& path);

/// Reads a whole file or pipe that a user names, and which messages call `what`. Returns nothing if it is longer than
/// `largest` [bytes]. Throws input_error if there is none, if it is something else, and if nothing comes out of a pipe
/// for `patience`. Rank-local.
std::optional<std::string> read_input(const std::string& name, const std::string& what, std::size_t largest,
                                      std::chrono::milliseconds patience = std::chrono::minutes(1));

/// Writes a file under a temporary name and renames it into place. Throws environment_error. Rank-local.
void write_text(const std::filesystem::path& path, const std::string& text, durability wanted = durability::forced);

}  // namespace spikesweep
