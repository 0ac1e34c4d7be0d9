#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

#include <spawn.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/parallel/interrupt.hpp>
#include <spikesweep/parallel/program.hpp>

namespace spikesweep {

namespace {

/// What launchers tell their processes with, and what such a process passes on.
constexpr std::array<std::string_view, 6> launcher_variables{"OMPI_", "PMIX_", "PMI_", "ORTE_", "PRTE_", "SLURM_"};

bool of_launcher(std::string_view variable) {
  return std::ranges::any_of(launcher_variables, [&](std::string_view prefix) { return variable.starts_with(prefix); });
}

std::vector<char*> environment_of_program() {
  std::vector<char*> kept;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    if (!of_launcher(*entry)) {
      kept.push_back(*entry);
    }
  }
  kept.push_back(nullptr);
  return kept;
}

/// What happens to files and signals between the start of the process and that of the program.
class spawn_settings {
 public:
  spawn_settings(int input, int output, program_signals signals) {
    posix_spawn_file_actions_init(&files_);
    posix_spawnattr_init(&attributes_);
    posix_spawn_file_actions_adddup2(&files_, input, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&files_, output, STDOUT_FILENO);
    posix_spawn_file_actions_addclosefrom_np(&files_, STDERR_FILENO + 1);
    sigset_t blocked;
    sigemptyset(&blocked);
    if (signals == program_signals::blocked) {
      for (const int signal : {SIGINT, SIGTERM, SIGUSR1, SIGHUP}) {
        sigaddset(&blocked, signal);
      }
    }
    posix_spawnattr_setsigmask(&attributes_, &blocked);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK);
  }
  spawn_settings(const spawn_settings&) = delete;
  spawn_settings& operator=(const spawn_settings&) = delete;
  ~spawn_settings() {
    posix_spawn_file_actions_destroy(&files_);
    posix_spawnattr_destroy(&attributes_);
  }
  const posix_spawn_file_actions_t* files() const { return &files_; }
  const posix_spawnattr_t* attributes() const { return &attributes_; }

 private:
  posix_spawn_file_actions_t files_{};
  posix_spawnattr_t attributes_{};
};

}  // namespace

// posix_spawn() and not fork(): a copy of a process that runs MPI is not allowed to do much, and MPI warns of it.
pid_t start_program(const std::vector<std::string>& command, int input, int output, program_signals signals) {
  std::vector<std::string> words = command;
  std::vector<char*> arguments;
  for (std::string& word : words) {
    arguments.push_back(word.data());
  }
  arguments.push_back(nullptr);
  const std::vector<char*> environment = environment_of_program();
  const spawn_settings settings(input, output, signals);
  pid_t process = -1;
  const int error = ::posix_spawn(&process, command.front().c_str(), settings.files(), settings.attributes(),
                                  arguments.data(), environment.data());
  if (error != 0) {
    throw environment_error("cannot start " + command.front() + ": " + std::strerror(error));
  }
  return process;
}

int wait_for_program(pid_t process) {
  int status = 0;
  while (::waitpid(process, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

int wait_for_program_or_interrupt(pid_t process) {
  constexpr std::chrono::milliseconds between_looks{10};
  int status = 0;
  bool told = false;
  while (::waitpid(process, &status, WNOHANG) == 0) {
    if (interrupted() && !std::exchange(told, true)) {
      ::kill(process, SIGTERM);
    }
    std::this_thread::sleep_for(between_looks);
  }
  return status;
}

}  // namespace spikesweep
