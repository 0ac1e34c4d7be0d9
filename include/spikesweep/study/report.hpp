#pragma once

#include <filesystem>

namespace spikesweep {

/// Writes report.html into the directory of a run. Runs tools/report.py of the source tree that this binary was built
/// from, or of the directory in SPIKESWEEP_TOOLS. Rank-local. Throws environment_error if that fails. The message says
/// how to write the report by hand; all other results are then complete.
void write_report(const std::filesystem::path& run);

}  // namespace spikesweep
