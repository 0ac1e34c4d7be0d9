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

}  // namespace spikesweep
