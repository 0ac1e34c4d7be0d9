#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace spikesweep {

/// The sweep file that a user's argument means: the file itself, or the sweep file in the directory of a run. Returns
/// nothing if that file does not exist. Rank-local.
std::optional<std::filesystem::path> find_sweep_file(const std::string& target);

/// The model file that a user's argument means: the file itself, or the model in the directory of a run. Throws
/// input_error if such a directory has none. Rank-local.
std::filesystem::path model_file_of(const std::string& target);

/// As find_sweep_file, but throws input_error if the file does not exist. Rank-local.
std::filesystem::path sweep_file_of(const std::string& target);

}  // namespace spikesweep
