#pragma once

#include <spikesweep/store/description.hpp>
#include <spikesweep/store/hdf5.hpp>

namespace spikesweep {

/// Writes a description, and what the file is, into the root of a new file; and reads it back. Settings that an older
/// file lacks are filled in, which is said once on standard error. Serial.
void write_description(hdf5::group& root, const sweep_description& description);
sweep_description read_description(const hdf5::group& root);

/// One line a difference, "key: stored here, given there"; empty if both describe the same samples.
std::vector<std::string> differences(const sweep_description& stored, const sweep_description& given);

/// What keeps `given` from being `stored` with more points or replicates, one line each; empty if every task of
/// `stored` has the same samples in `given`: its points come first, with equal values, no replicate is missing, and
/// all settings but those of the design agree. Roles of points do not count: they decide no sample.
std::vector<std::string> growth_obstacles(const sweep_description& stored, const sweep_description& given);

}  // namespace spikesweep
