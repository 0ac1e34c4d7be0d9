#pragma once

#include <string>

namespace spikesweep {

/// How much is said on standard error.
enum class verbosity {
  quiet,   ///< Warnings only.
  normal,  ///< What goes on, too.
  verbose  ///< Details, too.
};

/// Starts logging to standard error, on rank 0 alone unless SPIKESWEEP_LOG_RANKS=all. The variable SPIKESWEEP_LOG
/// (debug, info, warn, off) wins over `level`. Throws input_error if it is none of these. Rank-local.
void start_logging(int rank, verbosity level);

/// Whether log_info says anything here.
bool logs_info();

void log_debug(const std::string& message);
void log_info(const std::string& message);
void log_warning(const std::string& message);
/// The same, but says each message only the first time. May be called by any thread.
void log_warning_once(const std::string& message);

}  // namespace spikesweep
