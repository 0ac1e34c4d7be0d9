#include <mpi.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/learning/reduce.hpp>

namespace spikesweep {

namespace {

// Boost.MPI has no in-place reduction of a pointer range without a copy.
void reduce(const boost::mpi::communicator& comm, void* data, std::size_t size, MPI_Datatype type) {
  if (MPI_Allreduce(MPI_IN_PLACE, data, static_cast<int>(size), type, MPI_SUM, comm) != MPI_SUCCESS) {
    throw environment_error("MPI_Allreduce failed");
  }
}

}  // namespace

void all_reduce_sum(const boost::mpi::communicator& comm, std::span<float> buffer) {
  reduce(comm, buffer.data(), buffer.size(), MPI_FLOAT);
}

void all_reduce_sum(const boost::mpi::communicator& comm, std::span<double> buffer) {
  reduce(comm, buffer.data(), buffer.size(), MPI_DOUBLE);
}

void all_reduce_sum(const boost::mpi::communicator& comm, std::span<std::int64_t> buffer) {
  reduce(comm, buffer.data(), buffer.size(), MPI_INT64_T);
}

}  // namespace spikesweep
