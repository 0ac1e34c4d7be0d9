#include <cerrno>
#include <csignal>
#include <cstring>
#include <string>
#include <system_error>

#include <sys/prctl.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/parallel/signals.hpp>

namespace spikesweep {

void ignore_file_size_signal() {
  std::signal(SIGXFSZ, SIG_IGN);
}

bool is_alive(pid_t process) {
  return ::kill(process, 0) == 0 || errno != ESRCH;
}

void kill_process(pid_t process) {
  ::kill(process, SIGKILL);
}

void die_with_parent() {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
}

std::thread start_without_signals(const std::function<void()>& run) {
  ::sigset_t all;
  ::sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  std::thread started;
  int error = 0;
  try {
    started = std::thread(run);
  } catch (const std::system_error& failure) {
    error = failure.code().value();
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (error != 0) {
    throw environment_error(std::string("cannot start a thread: ") + std::strerror(error) +
                            "; raise ulimit -u (processes) or -v (memory)");
  }
  return started;
}

const char* signal_name(int signal) {
  return ::strsignal(signal);
}

}  // namespace spikesweep
