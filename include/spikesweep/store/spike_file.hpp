#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <spikesweep/network/parameters.hpp>
#include <spikesweep/network/phase_record.hpp>

namespace spikesweep {

/// The spikes of one run of one network, exact or surrogate.
struct spike_train {
  parameters network;
  double begin = 0;     ///< Time of the network at which the run begins; spikes are written relative to it [s].
  double duration = 0;  ///< [s]
  std::uint64_t seed = 0;
  std::string config_text;
  std::vector<spike_record> spikes;     ///< In order of time, one replicate after the other.
  std::vector<std::int32_t> replicate;  ///< Of each spike; empty: there is one replicate.
};

/// Writes /time, /neuron and /parameters under a temporary name and renames the file into place. Throws
/// environment_error. Rank-local.
/// What the file is stands in the attributes of file_format.hpp, and, as version 0.1.0 wrote it, in the datasets
/// /format and /version.
void save_spikes(const std::filesystem::path& path, const spike_train& train);

}  // namespace spikesweep
