#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace spikesweep {

// HDF5 believes what stands in a file: on a damaged or hostile one it may crash, or loop without end. The seal
// (seal.hpp) tells damage, but files of version 0.1.0 have none, and whoever means harm can make one. So another
// process goes through the structure of a file first, and nothing is lost if it does not come back.

/// From now on hdf5::file::open() makes this trial. `program` is a path and arguments of a program that calls
/// serve_trial(). A trial of more than `longest_s` of processor time has failed; that of a sound file takes some
/// milliseconds. A program that never calls this opens files without a trial. Not to be called while files are opened.
void try_files_with(std::vector<std::string> program, double longest_s = 20);

/// Throws input_error if the trial crashes or takes too long; what HDF5 itself can refuse is left to who opens the
/// file. A file that came through is not tried again until it changes. Throws environment_error if the system starts no
/// process, and interrupted_error if a signal was counted (see interrupt_guard) and the trial takes longer than a
/// second. Rank-local; one thread at a time.
void try_file(const std::filesystem::path& path);

/// The other side of try_file(). Throws input_error if the process was not started by it.
void serve_trial();

}  // namespace spikesweep
