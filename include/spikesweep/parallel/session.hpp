#pragma once

#include <optional>
#include <string>

#include <boost/mpi/environment.hpp>

#include <spikesweep/parallel/agreement.hpp>
#include <spikesweep/parallel/pulse.hpp>

namespace spikesweep {

/// MPI from its start to its end, and the ranks' agreement on an exit code.
class mpi_session {
 public:
  /// Starts MPI and the watch over lost ranks; a second call does nothing. Throws as pulse. Collective.
  void start(int& argc, char**& argv);

  /// Prints the error of the rank whose word counts, and returns the exit code, the same on every rank. Collective if
  /// MPI was started.
  int end(const rank_exit& mine) const;

 private:
  std::optional<pulse> pulse_;  ///< To the end of MPI, which waits for all ranks, too.
  std::optional<boost::mpi::environment> environment_;
  std::optional<exit_agreement> agreement_;
};

/// The version of the MPI library, such as "4.1.4". Needs no started MPI.
std::string mpi_library_version();

}  // namespace spikesweep
