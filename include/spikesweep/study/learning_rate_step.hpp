#pragma once

#include <filesystem>
#include <string>

#include <spikesweep/learning/range_test.hpp>
#include <spikesweep/parallel/rank_context.hpp>
#include <spikesweep/study/config.hpp>

namespace spikesweep {

/// Throws input_error unless the name is empty or ends in ".csv". A user who names a model file by habit would
/// otherwise lose that model to a table.
void check_range_test_output(const std::string& output);

/// Runs a learning-rate range test on a sweep file. Writes one CSV row per update to `output` unless `output` is empty.
/// Returns the same result on every rank. Collective.
range_test_result find_learning_rate(const rank_context& job, const configuration& config,
                                     const std::filesystem::path& sweep_file, const std::filesystem::path& output);

}  // namespace spikesweep
