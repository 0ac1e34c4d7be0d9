#include <cstdlib>

#include <boost/mpi/communicator.hpp>
#include <mpi.h>

#include <spikesweep/parallel/launch.hpp>
#include <spikesweep/parallel/lost_ranks.hpp>
#include <spikesweep/parallel/session.hpp>

namespace spikesweep {

void mpi_session::start(int& argc, char**& argv) {
  if (!agreement_) {
    forget_shell_of_srun();
    // Nobody shares a file pointer. The kinds of Open MPI that do write past a buffer where the path of a file is long,
    // and a job that is killed leaves their lock files beside it.
    ::setenv("OMPI_MCA_sharedfp", "individual", 0);
    // Training has other threads, which make no MPI call.
    const start_watch watch;
    environment_.emplace(argc, argv, boost::mpi::threading::funneled, false);
    agreement_.emplace(communicator());
    pulse_.emplace(communicator());
    if (communicator().rank() == 0) {
      note_start();
    }
  }
}

int mpi_session::end(const rank_exit& mine) const {
  if (agreement_) {
    const int code = agreement_->reach(mine);
    if (communicator().rank() == 0) {
      note_end(code);
    }
    return code;
  }
  // Without MPI the processes of one launcher say the same: one of them is enough.
  if (!mine.message.empty() && find_launch_place().rank == 0) {
    print_error(mine.message);
  }
  return mine.code;
}

std::string mpi_library_version() {
  char text[MPI_MAX_LIBRARY_VERSION_STRING];
  int length = 0;
  MPI_Get_library_version(text, &length);
  // The text is "Open MPI v4.1.4, package: ...".
  const std::string version(text, static_cast<std::size_t>(length));
  const std::string name = "Open MPI v";
  const std::size_t begin = version.compare(0, name.size(), name) == 0 ? name.size() : 0;
  return version.substr(begin, version.find_first_of(",\n", begin) - begin);
}

}  // namespace spikesweep
