#pragma once

#include <filesystem>

namespace spikesweep {

/// Has tools/report.py of the source tree that this binary was built from (or of SPIKESWEEP_TOOLS, a directory) write
/// report.html into a run's directory. Rank-local. Throws environment_error, with how to repeat it by hand, if that
/// fails: the results themselves are complete without it.
void write_report(const std::filesystem::path& run);

}  // namespace spikesweep
