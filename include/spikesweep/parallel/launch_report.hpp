#pragma once

#include <string>
#include <vector>

#include <spikesweep/parallel/communicator.hpp>

namespace spikesweep {

/// Logs ranks, nodes, threads and cores on rank 0, and warns if ranks share cores. Throws environment_error if a
/// launcher started more ranks than MPI connects. Collective.
void report_launch(const communicator& world);

/// The host names of all nodes, in the order of their first ranks; on rank 0, and nothing elsewhere. Collective.
std::vector<std::string> node_names(const communicator& world);

/// Cores that this process may use.
int usable_cores();

}  // namespace spikesweep
