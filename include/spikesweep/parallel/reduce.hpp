#pragma once

#include <cstdint>
#include <span>

#include <spikesweep/parallel/communicator.hpp>

namespace spikesweep {

/// Sums a flat buffer over all ranks, in place; every rank gets the same bits. Sums of integers are exact, so they are
/// the same for every rank count as well. Collective.
void all_reduce_sum(const communicator& comm, std::span<float> buffer);
void all_reduce_sum(const communicator& comm, std::span<double> buffer);
void all_reduce_sum(const communicator& comm, std::span<std::int64_t> buffer);

}  // namespace spikesweep
