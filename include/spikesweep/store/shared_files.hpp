#pragma once

#include <chrono>
#include <filesystem>
#include <string>

#include <spikesweep/parallel/communicator.hpp>

namespace spikesweep {

/// How long the caches of a network file system may hide a new file.
inline constexpr std::chrono::seconds hidden_at_most{10};

/// Throws environment_error on every rank unless every rank finds the directory of `file` to be that of rank 0, and may
/// write the file. To be called when rank 0 has made the file, and before all ranks open it through MPI-IO: there, an
/// open that fails on some ranks leaves the others waiting, or each node writes a file of its own. Leaves nothing
/// behind. `wait`: until a file that rank 0 has just made has to be there for all. Collective.
void check_shared(const communicator& ranks, const std::filesystem::path& file,
                  std::chrono::milliseconds wait = hidden_at_most);

/// Throws input_error on every rank unless a file that every rank reads is the same for all. `contents`: a digest of
/// what this rank has read. Copies on several nodes are allowed. Collective.
void check_same_contents(const communicator& ranks, const std::filesystem::path& file, const std::string& contents);

}  // namespace spikesweep
