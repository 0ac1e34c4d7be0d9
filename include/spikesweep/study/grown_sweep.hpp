#pragma once

#include <filesystem>

#include <spikesweep/parallel/communicator.hpp>
#include <spikesweep/study/config.hpp>
#include <spikesweep/study/sweep_step.hpp>

namespace spikesweep {

/// The config that a sweep file goes on with. It is `config`, unless the file has points that `config` would not place:
/// then these points come first, with their roles. That is so for a file that grew in this way before, and if the flags
/// extend a file to a design that does not begin with its points. The config returned makes the same sweep by itself.
/// A config with which the file cannot go on is returned as it is: opening the file refuses it. Rank 0 reads the file.
/// Collective. Throws input_error if what is there is no sweep file, and as parse_configuration and describe_sweep do.
configuration config_of_sweep(const communicator& ranks, const configuration& config,
                              const std::filesystem::path& sweep_file, const sweep_flags& flags);

/// As describe_sweep, with the points that rounds of refining added to the sweep file. Only the file knows these
/// points. They are left out if the flags replace the file. Rank 0 reads the file. Collective.
sweep_description describe_sweep(const communicator& ranks, const configuration& config,
                                 const std::filesystem::path& sweep_file, const sweep_flags& flags);

}  // namespace spikesweep
