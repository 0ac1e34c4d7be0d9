#pragma once

#include <mpi.h>

namespace spikesweep {

/// For libraries that take hints to MPI: no hints.
inline MPI_Info no_hints() {
  return MPI_INFO_NULL;
}

}  // namespace spikesweep
