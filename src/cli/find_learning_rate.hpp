#pragma once

#include <filesystem>

#include "command_context.hpp"

namespace spikesweep {

/// Throws input_error unless the name is empty or ends in ".csv": a model that `-o` names by habit is not to be
/// replaced by a table.
void check_range_test_output(const std::string& output);

/// Runs a learning-rate range test on a sweep file and prints it on rank 0: a table, or with `json` a line an update.
/// Writes every update to `output` as CSV unless that is empty. Collective.
void find_learning_rate(const command_context& context, const configuration& config,
                        const std::filesystem::path& sweep_file, const std::filesystem::path& output, bool json);

}  // namespace spikesweep
