#include <boost/mpi/environment.hpp>

#include <spikesweep/parallel/rank_context.hpp>

namespace spikesweep {

int rank_context::rank() const {
  return boost::mpi::environment::initialized() ? world.rank() : 0;
}

int rank_context::ranks() const {
  return boost::mpi::environment::initialized() ? world.size() : 1;
}

}  // namespace spikesweep
