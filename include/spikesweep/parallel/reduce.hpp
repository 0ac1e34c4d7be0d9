#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

#include <spikesweep/parallel/communicator.hpp>

namespace spikesweep {

/// Most numbers of one call of MPI. It counts in an int; and ranks that are in the same call for long count as stuck
/// (pulse).
inline constexpr std::size_t most_reduced_numbers = std::size_t{1} << 24;

/// Sums a flat buffer over all ranks, in place and in pieces of at most `most` numbers; every rank gets the same bits.
/// Sums of integers are exact, so they are the same for every rank count as well. Collective.
void all_reduce_sum(const communicator& comm, std::span<float> buffer, std::size_t most = most_reduced_numbers);
void all_reduce_sum(const communicator& comm, std::span<double> buffer, std::size_t most = most_reduced_numbers);
void all_reduce_sum(const communicator& comm, std::span<std::int64_t> buffer, std::size_t most = most_reduced_numbers);

/// Sums whose bits do not depend on the number of ranks, as sums of doubles otherwise do in their last digits. One rank
/// after the other calls `add`, which adds its terms one by one to what the ranks before it left in `sums`; then all
/// ranks get the last rank's. `add` has to be quick, and must not throw: the other ranks wait. Collective.
void sum_rank_by_rank(const communicator& comm, std::span<double> sums, const std::function<void()>& add);

}  // namespace spikesweep
