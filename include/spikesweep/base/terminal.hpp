#pragma once

#include <optional>

namespace spikesweep {

/// The terminal that shows what this process writes to standard error.
struct terminal_place {
  int columns = 80;  ///< Its width.
};

/// The terminal behind standard error: standard error itself, or that of mpirun, which passes on what its processes
/// write. Nothing if there is none, or if it is not certain: mpirun on another host, output that mpirun tags or files,
/// a pipe in between. Looks anew at each call. Linux only tells about mpirun.
std::optional<terminal_place> stderr_terminal();

}  // namespace spikesweep
