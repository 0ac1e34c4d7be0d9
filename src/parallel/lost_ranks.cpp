#include <algorithm>
#include <charconv>
#include <chrono>
#include <csignal>
#include <fstream>
#include <optional>
#include <string>
#include <thread>

#include <unistd.h>

#include <fmt/format.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/base/stopwatch.hpp>
#include <spikesweep/parallel/agreement.hpp>
#include <spikesweep/parallel/interrupt.hpp>
#include <spikesweep/parallel/launch.hpp>
#include <spikesweep/parallel/lost_ranks.hpp>
#include <spikesweep/parallel/signals.hpp>

namespace spikesweep {

namespace {

using std::chrono::milliseconds;

constexpr double default_silence_s = 60;
constexpr double most_silence_s = 86400;
/// From the break on. Then a launcher that waits for a lost node is killed [s].
constexpr unsigned launcher_s = 20;
/// MPI may take so long to start, beyond the silence: many ranks take longer to find each other.
constexpr double start_s_per_rank = 0.01;
constexpr milliseconds start_look_pause{250};

std::string name_of_process(pid_t process) {
  std::string name;
  std::ifstream("/proc/" + std::to_string(process) + "/comm") >> name;
  return name;
}

/// mpirun, if it started this process itself; on other nodes a daemon does, and srun starts none.
std::optional<pid_t> own_launcher() {
  const pid_t parent = ::getppid();
  const std::string name = name_of_process(parent);
  const bool found = name == "mpirun" || name == "mpiexec" || name == "orterun" || name == "prterun";
  return found ? std::optional(parent) : std::nullopt;
}

/// Kills mpirun after a while if it does not end: it waits for the daemon of a lost node for up to 15 minutes. A
/// process of its own does this, because mpirun kills its ranks.
void end_later(pid_t launcher) {
  const pid_t child = ::fork();
  if (child != 0) {
    // Once this process ends, mpirun kills all processes of its session.
    constexpr int most_looks = 100;
    for (int look = 0; look < most_looks && child > 0 && ::getsid(child) != child; ++look) {
      std::this_thread::sleep_for(milliseconds(10));
    }
    return;
  }
  // Nothing but system calls: other threads may have held any lock.
  ::setsid();
  ::close_range(0, ~0U, 0);  // mpirun waits until the output of its ranks is closed.
  for (unsigned second = 0; second < launcher_s; ++second) {
    ::sleep(1);
    if (::kill(launcher, 0) != 0) {
      ::_exit(0);
    }
  }
  ::kill(launcher, SIGKILL);
  ::_exit(0);
}

/// For the script that started the launcher, whose own exit code says little where ranks are lost or never start:
/// srun may even end with 0.
void tell_script(const std::string& what) {
  if (const auto file = process_environment("SPIKESWEEP_EXIT_FILE"); file && !file->empty()) {
    std::ofstream(*file) << what << '\n';
  }
}

}  // namespace

double silence_limit_s() {
  constexpr const char* name = "SPIKESWEEP_SILENCE_S";
  const std::string text = process_environment(name).value_or("");
  if (text.empty()) {
    return default_silence_s;
  }
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool sound = error == std::errc() && end == text.data() + text.size() &&
                     (value == 0 || (value >= short_silence_s && value <= most_silence_s));
  if (!sound) {
    throw input_error(fmt::format("the variable {} is '{}'; allowed: {:g} to {:g}, in seconds, or 0: never", name, text,
                                  short_silence_s, most_silence_s));
  }
  return value;
}

void note_start() {
  tell_script("started");
}

void note_end(int code) {
  tell_script(std::to_string(code));
}

void end_launcher_of_broken_job(int rank) {
  const auto launcher = own_launcher();
  if (rank == 0 || launcher) {
    note_end(static_cast<int>(exit_code::interrupted));
  }
  if (launcher) {
    end_later(*launcher);
  }
}

start_watch::start_watch() {
  const double silence_s = silence_limit_s();
  const launch_place place = find_launch_place();
  if (place.ranks > 1 && silence_s > 0) {
    const double limit_s = silence_s + start_s_per_rank * place.ranks;
    thread_ = start_without_signals([this, limit_s, rank = place.rank] { watch(limit_s, rank); });
  }
}

start_watch::~start_watch() {
  {
    const std::lock_guard guard(mutex_);
    over_ = true;
  }
  told_.notify_one();
  if (thread_.joinable()) {
    thread_.join();
  }
}

void start_watch::watch(double limit_s, int rank) {
  double waited_s = 0;
  double since_signal_s = 0;
  auto looked = steady_clock::now();
  std::unique_lock lock(mutex_);
  while (!told_.wait_for(lock, start_look_pause, [this] { return over_; })) {
    const double passed_s = std::min(seconds_since(looked), longest_look_s);
    looked = steady_clock::now();
    waited_s += passed_s;
    since_signal_s = interrupted() ? since_signal_s + passed_s : 0;
    if (waited_s < limit_s && since_signal_s < short_silence_s) {
      continue;
    }
    if (rank == 0) {
      print_error(fmt::format(
          "the ranks have not found each other for {:.0f} s: a node is cut off, or MPI looks for it at a wrong "
          "address (docs/how-to/run-on-a-cluster.md says what to set); the same command starts again",
          waited_s));
    }
    end_launcher_of_broken_job(rank);
    ::_exit(static_cast<int>(exit_code::interrupted));
  }
}

}  // namespace spikesweep
