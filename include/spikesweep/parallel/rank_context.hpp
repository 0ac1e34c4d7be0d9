#pragma once

#include <spikesweep/base/progress.hpp>
#include <spikesweep/parallel/communicator.hpp>

namespace spikesweep {

/// The ranks that a call runs on. MPI may be off: then this process is rank 0 of 1.
struct rank_context {
  communicator world;  ///< Usable only where MPI was started.

  int rank() const;
  int ranks() const;
  bool root() const { return rank() == 0; }
  /// Progress on rank 0, silence elsewhere.
  progress_output progress() const { return root() ? progress_output::standard() : progress_output::silent(); }
};

}  // namespace spikesweep
