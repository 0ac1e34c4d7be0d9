#pragma once

#include <spikesweep/store/atomic_file.hpp>
#include <spikesweep/store/description.hpp>

namespace spikesweep {

/// Writes a sweep file without a finished task under the temporary name of `target`, with all its disk reserved.
/// Throws as create_sweep_file does.
void write_new_sweep_file(const atomic_file& target, const sweep_description& description);

}  // namespace spikesweep
