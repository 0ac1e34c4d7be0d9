#pragma once

#include <filesystem>

namespace spikesweep {

/// Writes report.html into the directory of a run. Runs tools/report.py of the source tree that this binary was built
/// from, or of the directory in SPIKESWEEP_TOOLS. If that fails, a warning says how to draw the report by hand: all
/// other results are complete. Rank-local.
void write_report(const std::filesystem::path& run);

}  // namespace spikesweep
