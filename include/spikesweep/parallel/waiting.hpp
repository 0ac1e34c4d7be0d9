#pragma once

#include <cstdint>

namespace spikesweep {

/// While one lives, this rank waits in a call of MPI until other ranks have done their part, and does nothing else.
/// Each call of the layer `parallel` that may wait has one of its own, and it is for the main thread. So pulse notices
/// ranks that all wait for each other. Calls of MPI-IO have none: a file system may be slow.
class waiting_for_ranks {
 public:
  waiting_for_ranks();
  waiting_for_ranks(const waiting_for_ranks&) = delete;
  waiting_for_ranks& operator=(const waiting_for_ranks&) = delete;
  ~waiting_for_ranks();
};

/// How often this rank has begun or ended to wait: an odd number while it waits. For any thread.
std::uint64_t waiting_changes();

}  // namespace spikesweep
