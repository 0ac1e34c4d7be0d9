#include <cstdlib>
#include <iostream>

#include <boost/mpi/environment.hpp>

#include <spikesweep/sweep/communicate.hpp>

namespace spikesweep {

namespace {

constexpr int internal_code = -1;

}  // namespace

root_failure root_failure::of(const std::exception& error) {
  if (const auto* known = dynamic_cast<const spikesweep_error*>(&error)) {
    return {static_cast<int>(known->code), known->what()};
  }
  if (dynamic_cast<const std::logic_error*>(&error) != nullptr) {
    return {internal_code, error.what()};
  }
  return {static_cast<int>(exit_code::failed), error.what()};
}

void root_failure::raise() const {
  if (code == 0) {
    return;
  }
  if (code == internal_code) {
    throw internal_error(message);
  }
  switch (const auto exit = static_cast<exit_code>(code)) {
    case exit_code::bad_input:
      throw input_error(message);
    case exit_code::failed:
      throw environment_error(message);
    case exit_code::interrupted:
      throw interrupted_error(message);
    default:
      throw spikesweep_error(exit, message);
  }
}

void abort_job(const boost::mpi::communicator& communicator, const std::exception& error) {
  // One write, so that lines of several ranks do not mix.
  const std::string line = "spikesweep: rank " + std::to_string(communicator.rank()) + ": " + error.what() + '\n';
  std::cerr << line << std::flush;
  boost::mpi::environment::abort(static_cast<int>(exit_code::failed));
  std::abort();
}

}  // namespace spikesweep
