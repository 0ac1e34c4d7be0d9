#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/base/log.hpp>
#include <spikesweep/base/stopwatch.hpp>
#include <spikesweep/parallel/interrupt.hpp>
#include <spikesweep/parallel/launch.hpp>
#include <spikesweep/parallel/own_launcher.hpp>

namespace spikesweep {

namespace {

constexpr std::chrono::milliseconds look_every{20};
constexpr const char* launcher = "mpirun";
constexpr const char* own_binary = "/proc/self/exe";
constexpr int signal_exit = 128;  ///< A shell's exit code of a process that a signal ended is this plus its number.

/// A pipe that closes when a program starts; a number in it says why the program did not.
struct start_pipe {
  std::array<int, 2> ends{-1, -1};

  start_pipe() {
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
      throw environment_error(std::string("cannot make a pipe: ") + std::strerror(errno));
    }
  }
  start_pipe(const start_pipe&) = delete;
  start_pipe& operator=(const start_pipe&) = delete;
  ~start_pipe() {
    ::close(ends[0]);
    ::close(ends[1]);
  }
};

/// In the new process. It has a process group of its own, so that the terminal's Ctrl-C reaches its parent alone.
[[noreturn]] void become(const std::vector<char*>& words, int failure_pipe) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  // Until mpirun takes it, a request to finish must not kill it.
  std::signal(SIGUSR1, SIG_IGN);
  const int nothing = ::open("/dev/null", O_RDONLY);
  ::dup2(nothing, STDIN_FILENO);  // A process in the background that reads from the terminal is stopped.
  ::execvp(words.front(), words.data());
  const int error = errno;
  [[maybe_unused]] const ssize_t told = ::write(failure_pipe, &error, sizeof error);
  ::_exit(signal_exit - 1);
}

pid_t start(std::vector<std::string> command) {
  std::vector<char*> words;
  std::transform(command.begin(), command.end(), std::back_inserter(words),
                 [](std::string& word) { return word.data(); });
  words.push_back(nullptr);
  start_pipe pipe;
  const pid_t process = ::fork();
  if (process == 0) {
    become(words, pipe.ends[1]);
  }
  if (process < 0) {
    throw environment_error(std::string("cannot start a process: ") + std::strerror(errno));
  }
  ::setpgid(process, process);
  ::close(pipe.ends[1]);
  pipe.ends[1] = -1;
  int error = 0;
  if (::read(pipe.ends[0], &error, sizeof error) == sizeof error) {
    ::waitpid(process, nullptr, 0);
    throw environment_error(std::string("cannot start ") + launcher + ": " + std::strerror(error) +
                            "; install Open MPI, or leave out --ranks");
  }
  return process;
}

std::string path_of_program() {
  std::array<char, 4096> path{};
  const ssize_t length = ::readlink(own_binary, path.data(), path.size() - 1);
  return length > 0 ? path.data() : own_binary;
}

/// Passes the n-th request on.
void pass_on(pid_t process, int request) {
  switch (request) {
    case 1:
      log_warning(
          "asked the ranks to finish and to save what is in hand; a second Ctrl-C ends a grace time, a third one ends "
          "all of them");
      ::kill(process, SIGUSR1);
      break;
    case 2:
      log_warning("asked the ranks to end at once");
      ::kill(process, SIGUSR1);
      break;
    default:
      log_warning("ending mpirun");
      ::kill(process, SIGTERM);
      break;
  }
}

/// Whether a process handles a signal.
bool handles(const std::string& process, int signal) {
  std::ifstream about("/proc/" + process + "/status");
  const std::string key = "SigCgt:";
  for (std::string line; std::getline(about, line);) {
    if (line.starts_with(key)) {
      return (std::stoull(line.substr(key.size()), nullptr, 16) >> (signal - 1) & 1U) == 1;
    }
  }
  return false;
}

/// The processes that a process has started, as numbers.
std::vector<std::string> children_of(const std::string& process) {
  std::vector<std::string> found;
  std::error_code none;
  for (const auto& thread : std::filesystem::directory_iterator("/proc/" + process + "/task", none)) {
    std::ifstream children(thread.path() / "children");
    found.insert(found.end(), std::istream_iterator<std::string>(children), {});
  }
  return found;
}

/// Whether mpirun and so many ranks would heed a request: before, it is lost without a word.
bool can_be_asked(pid_t process, int ranks) {
  const std::string number = std::to_string(process);
  if (!handles(number, SIGUSR1)) {
    return false;
  }
  const std::string program = path_of_program();
  return std::ranges::count_if(children_of(number), [&](const std::string& child) {
           std::error_code none;
           return std::filesystem::read_symlink("/proc/" + child + "/exe", none) == program && handles(child, SIGUSR1);
         }) >= ranks;
}

/// Its wait status.
int wait_for(pid_t process, int ranks) {
  constexpr double longest_start_s = 10;  // Ranks on other nodes cannot be seen.
  constexpr int at_once = 3;              // Requests.
  const auto begin = steady_clock::now();
  bool started = false;
  int passed = 0;
  int status = 0;
  while (::waitpid(process, &status, WNOHANG) == 0) {
    if (const int asked = interrupts(); passed < asked) {
      started = started || asked >= at_once || seconds_since(begin) > longest_start_s || can_be_asked(process, ranks);
      while (started && passed < asked) {
        pass_on(process, ++passed);
      }
    }
    std::this_thread::sleep_for(look_every);
  }
  return status;
}

}  // namespace

int run_under_mpirun(int ranks, const std::vector<std::string>& arguments) {
  if (launched()) {
    throw input_error("--ranks starts mpirun, but a launcher has started this process already; leave out --ranks");
  }
  // Quiet: a page of mpirun about an exit code that is not 0 would hide what the ranks said.
  std::vector<std::string> command{launcher, "--quiet", "-n", std::to_string(ranks), path_of_program()};
  command.insert(command.end(), arguments.begin(), arguments.end());
  const interrupt_guard guard;
  const int status = wait_for(start(std::move(command)), ranks);
  const int code = WIFSIGNALED(status) ? signal_exit + WTERMSIG(status) : WEXITSTATUS(status);
  const bool by_signal = code == signal_exit + SIGUSR1 || code == signal_exit + SIGTERM;
  return interrupted() && by_signal ? static_cast<int>(exit_code::interrupted) : code;
}

}  // namespace spikesweep
