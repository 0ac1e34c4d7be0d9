#pragma once

namespace spikesweep {

/// Raises this process's limit on open files as far as it may. Then throws environment_error if a limit is too low to
/// start MPI, which hangs or crashes where it lacks something: 64 open files, 512 MiB of addresses, files of 8 MiB
/// (ulimit -n, -v, -f).
void prepare_limits();

/// Opens /dev/null in the place of standard input, output and error where they are closed. Otherwise the next file that
/// is opened would get their number, and with it what is printed. To be called before anything is opened.
void open_standard_streams();

}  // namespace spikesweep
