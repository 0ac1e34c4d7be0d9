#include <cstdlib>
#include <string>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/base/log.hpp>
#include <spikesweep/parallel/interrupt.hpp>
#include <spikesweep/parallel/program.hpp>
#include <spikesweep/study/report.hpp>

namespace spikesweep {

namespace {

std::filesystem::path report_tool() {
  const char* tools = std::getenv("SPIKESWEEP_TOOLS");
  const std::filesystem::path directory = tools != nullptr ? tools : SPIKESWEEP_SOURCE_DIR "/tools";
  return directory / "report.py";
}

/// Exit status of the tool, whose standard output is dropped; -1 if it did not start or a signal ended it.
int run_tool(const std::string& tool, const std::string& run) {
  const int nothing = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  int status = 0;
  try {
    status = wait_for_program_or_interrupt(start_program({tool, "--", run}, nothing, nothing, program_signals::heeded));
  } catch (const environment_error&) {
    status = -1;
  }
  ::close(nothing);
  return status >= 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

void write_report(const std::filesystem::path& run) {
  const std::string tool = report_tool().string();
  if (const int status = run_tool(tool, run.string()); status != 0) {
    if (interrupted()) {
      throw interrupted_error("interrupted while the report was drawn; all results are in " + run.string() +
                              "; the same command draws it");
    }
    // Nothing that was computed depends on it.
    log_warning(fmt::format("the report could not be drawn ({}); all results are in {}: draw them with {} -- {}",
                            status < 0 ? "cannot start " + tool : fmt::format("{} ended with status {}", tool, status),
                            run.string(), tool, run.string()));
  }
}

}  // namespace spikesweep
