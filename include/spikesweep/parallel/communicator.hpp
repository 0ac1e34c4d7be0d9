#pragma once

#include <boost/mpi/communicator.hpp>

namespace spikesweep {

/// The ranks that share a piece of work. It passes through interfaces of every layer; calls on it are in this layer
/// only.
using communicator = boost::mpi::communicator;

}  // namespace spikesweep
