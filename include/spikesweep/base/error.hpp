#pragma once

#include <stdexcept>
#include <string>

#include <spikesweep/base/plain_text.hpp>

namespace spikesweep {

/// Exit codes of the command line (docs/reference/commands.md, "Exit codes").
enum class exit_code : int {
  done = 0,
  failed = 1,         ///< The world failed: disk, MPI, memory, a bug.
  bad_input = 2,      ///< The user's input or usage was wrong; nothing was written.
  failed_points = 3,  ///< Finished, but some points failed.
  interrupted = 75    ///< Interrupted; the same command resumes.
};

/// A bug of ours: an invariant that the code promises does not hold.
struct internal_error : std::logic_error {
  using std::logic_error::logic_error;
};

/// Root of every error that a user can meet. The message says what was wrong, where, and what is allowed. It may hold
/// names and contents of files as they are: it becomes plain text here.
struct spikesweep_error : std::runtime_error {
  spikesweep_error(exit_code exit_status, const std::string& message)
      : std::runtime_error(plain_text(message)), code(exit_status) {}
  exit_code code;
};

/// The input or the usage was wrong.
struct input_error : spikesweep_error {
  explicit input_error(const std::string& message) : spikesweep_error(exit_code::bad_input, message) {}
};

/// The machine failed us: a full disk, a lost file, a dead rank.
struct environment_error : spikesweep_error {
  explicit environment_error(const std::string& message) : spikesweep_error(exit_code::failed, message) {}
};

/// A signal asked for the end; everything finished is on disk.
struct interrupted_error : spikesweep_error {
  explicit interrupted_error(const std::string& message) : spikesweep_error(exit_code::interrupted, message) {}
};

/// Prints the failed expression with its place and throws internal_error.
[[noreturn]] void assertion_failed(const char* expression, const char* file, int line);

}  // namespace spikesweep

/// Internal check for developers; compiled in with SPIKESWEEP_ASSERTIONS (presets dev, audit, asan).
#ifdef SPIKESWEEP_ASSERTIONS
#define SPIKESWEEP_ASSERT(expression) \
  ((expression) ? static_cast<void>(0) : ::spikesweep::assertion_failed(#expression, __FILE__, __LINE__))
#else
#define SPIKESWEEP_ASSERT(expression) static_cast<void>(0)
#endif
