#pragma once

namespace spikesweep {

/// Raises this process's limit on open files as far as it may. Then throws environment_error if a limit is too low to
/// start MPI, which hangs or crashes where it lacks something: 64 open files, 512 MiB of addresses, files of 8 MiB
/// (ulimit -n, -v, -f).
void prepare_limits();

}  // namespace spikesweep
