#pragma once

#include <span>

#include <boost/mpi/communicator.hpp>

namespace spikesweep {

/// Sums a flat buffer over all ranks, in place; every rank gets the same bits. Collective.
void all_reduce_sum(const boost::mpi::communicator& comm, std::span<float> buffer);
void all_reduce_sum(const boost::mpi::communicator& comm, std::span<double> buffer);

}  // namespace spikesweep
