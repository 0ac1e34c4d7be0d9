#pragma once

#include <filesystem>
#include <string>

#include <spikesweep/parallel/communicator.hpp>

namespace spikesweep {

/// Throws environment_error on every rank unless every rank finds the directory of `file` to be that of rank 0, and may
/// write the file. To be called when rank 0 has made the file, and before all ranks open it through MPI-IO: there, an
/// open that fails on some ranks leaves the others waiting, or each node writes a file of its own. Waits some seconds
/// for the caches of network file systems. Leaves nothing behind. Collective.
void check_shared(const communicator& ranks, const std::filesystem::path& file);

/// Removes the empty files that Open MPI has beside a file while its ranks have it open, two for each rank
/// (NAME.data.0, NAME.metadata.0, ...), and that a killed job leaves behind. For whoever holds the lock of the file,
/// before it is opened through MPI-IO. Rank-local.
void remove_leftovers(const std::filesystem::path& file);

/// Throws input_error on every rank unless a file that every rank reads is the same for all. `contents`: a digest of
/// what this rank has read. Copies on several nodes are allowed. Collective.
void check_same_contents(const communicator& ranks, const std::filesystem::path& file, const std::string& contents);

}  // namespace spikesweep
