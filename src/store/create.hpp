#pragma once

#include <filesystem>

#include <spikesweep/store/atomic_file.hpp>
#include <spikesweep/store/description.hpp>
#include <spikesweep/store/hdf5.hpp>

namespace spikesweep {

/// A new sweep file without a finished task, still open, whose rows take no disk yet. Throws environment_error.
hdf5::file write_layout(const std::filesystem::path& path, const sweep_description& description);

/// Writes a sweep file without a finished task under the temporary name of `target`, with all its disk reserved.
/// Throws as create_sweep_file does.
void write_new_sweep_file(const atomic_file& target, const sweep_description& description);

}  // namespace spikesweep
