#pragma once

#include <filesystem>
#include <span>
#include <string>

#include <spikesweep/parallel/communicator.hpp>
#include <spikesweep/store/sweep_file.hpp>

namespace spikesweep {

/// The digest of a sweep: of its settings and points, and of the states and checksums of its finished tasks. The same
/// wherever the file lies, and whoever made it with how many ranks. It changes when the sweep goes on, or grows.
std::string sweep_digest(const sweep_description& description, std::span<const task_record> records);

/// Opens a sweep file on every rank, as rank 0 finds it at this moment: on every rank the records are those that rank 0
/// reads now, although another job may be writing the file. Throws input_error on every rank unless all of them open
/// the same sweep. Collective.
sweep_reader open_snapshot(const communicator& ranks, const std::filesystem::path& path);

}  // namespace spikesweep
