#pragma once

#include <string>

#include <spikesweep/parallel/communicator.hpp>

namespace spikesweep {

/// How a command ended on one rank.
struct rank_exit {
  int code = 0;         ///< exit_code
  std::string message;  ///< What to print if this rank failed; empty if there is nothing to say.
};

/// Brings all ranks to one exit code: that of the lowest rank which failed outright, or else the largest; this rank's
/// message is printed, as one line on standard error, by that rank alone. A rank that failed waits some seconds for the
/// others and then takes the job down, because they may be waiting for it. Waiting costs no processor time.
class exit_agreement {
 public:
  /// Collective.
  explicit exit_agreement(const communicator& world) : ranks_(world, boost::mpi::comm_duplicate) {}

  /// Collective, except that it aborts the job if the others do not come.
  int reach(const rank_exit& mine) const;

 private:
  communicator ranks_;
};

/// Prints "spikesweep: error: MESSAGE", on one line whatever the message holds, in one write.
void print_error(const std::string& message);

}  // namespace spikesweep
