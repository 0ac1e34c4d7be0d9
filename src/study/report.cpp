#include <cstdlib>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>
#include <spawn.h>

#include <spikesweep/base/log.hpp>
#include <spikesweep/study/report.hpp>

namespace spikesweep {

namespace {

std::filesystem::path report_tool() {
  const char* tools = std::getenv("SPIKESWEEP_TOOLS");
  const std::filesystem::path directory = tools != nullptr ? tools : SPIKESWEEP_SOURCE_DIR "/tools";
  return directory / "report.py";
}

/// Exit status of the tool, its standard output sent to standard error; -1 if it could not be started.
int run_tool(const std::string& tool, const std::string& run) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  std::vector<char*> arguments{const_cast<char*>(tool.c_str()), const_cast<char*>(run.c_str()), nullptr};
  pid_t child = 0;
  const int failure = posix_spawn(&child, tool.c_str(), &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  int status = 0;
  if (failure != 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status)) {
    return -1;
  }
  return WEXITSTATUS(status);
}

}  // namespace

void write_report(const std::filesystem::path& run) {
  const std::string tool = report_tool().string();
  if (const int status = run_tool(tool, run.string()); status != 0) {
    // Nothing that was computed depends on it.
    log_warning(fmt::format("the report could not be drawn ({}); all results are in {}: draw them with {} {}",
                            status < 0 ? "cannot start " + tool : fmt::format("{} ended with status {}", tool, status),
                            run.string(), tool, run.string()));
  }
}

}  // namespace spikesweep
