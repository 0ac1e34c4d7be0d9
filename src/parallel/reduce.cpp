#include <algorithm>

#include <boost/mpi/collectives.hpp>
#include <mpi.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/parallel/reduce.hpp>
#include <spikesweep/parallel/waiting.hpp>

namespace spikesweep {

namespace {

// Boost.MPI has no in-place reduction of a pointer range without a copy.
template <class Number>
void reduce(const communicator& comm, std::span<Number> buffer, MPI_Datatype type, std::size_t most) {
  for (std::size_t begin = 0; begin < buffer.size(); begin += most) {
    const auto part = buffer.subspan(begin, std::min(most, buffer.size() - begin));
    const waiting_for_ranks wait;
    if (MPI_Allreduce(MPI_IN_PLACE, part.data(), static_cast<int>(part.size()), type, MPI_SUM, comm) != MPI_SUCCESS) {
      throw environment_error("MPI_Allreduce failed");
    }
  }
}

}  // namespace

void all_reduce_sum(const communicator& comm, std::span<float> buffer, std::size_t most) {
  reduce(comm, buffer, MPI_FLOAT, most);
}

void all_reduce_sum(const communicator& comm, std::span<double> buffer, std::size_t most) {
  reduce(comm, buffer, MPI_DOUBLE, most);
}

void all_reduce_sum(const communicator& comm, std::span<std::int64_t> buffer, std::size_t most) {
  reduce(comm, buffer, MPI_INT64_T, most);
}

void sum_rank_by_rank(const communicator& comm, std::span<double> sums, const std::function<void()>& add) {
  constexpr int tag = 1;
  const int numbers = static_cast<int>(sums.size());
  if (comm.rank() > 0) {
    const waiting_for_ranks wait;
    comm.recv(comm.rank() - 1, tag, sums.data(), numbers);
  }
  add();
  const waiting_for_ranks wait;
  const int last = comm.size() - 1;
  if (comm.rank() < last) {
    comm.send(comm.rank() + 1, tag, sums.data(), numbers);
  }
  boost::mpi::broadcast(comm, sums.data(), numbers, last);
}

}  // namespace spikesweep
