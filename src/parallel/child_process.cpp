#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <exception>
#include <span>

#include <sys/wait.h>
#include <unistd.h>

#include <poll.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/parallel/child_process.hpp>
#include <spikesweep/parallel/signals.hpp>

namespace spikesweep {

namespace {

constexpr int look_every_ms = 5;

/// A message goes behind its length.
using message_length = std::uint64_t;

/// Writes all bytes. Returns false if nobody reads any more.
bool write_all(int to, std::span<const char> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(to, bytes.data(), bytes.size());
    if (written < 0 && errno != EINTR) {
      return false;
    }
    bytes = bytes.subspan(static_cast<std::size_t>(std::max<ssize_t>(written, 0)));
  }
  return true;
}

void send(int pipe, const std::string& message) {
  const message_length length = message.size();
  std::array<char, sizeof length> head{};
  std::memcpy(head.data(), &length, sizeof length);
  if (!write_all(pipe, head) || !write_all(pipe, message)) {
    ::_exit(1);
  }
}

/// What the child does from its start to its end.
[[noreturn]] void run_and_end(const std::string& name, const std::function<void(const child_process::sender&)>& work,
                              int pipe) {
  die_with_parent();
  int code = 0;
  try {
    work([pipe](const std::string& message) { send(pipe, message); });
  } catch (const std::exception& error) {
    const std::string line = name + ": " + error.what() + '\n';
    write_all(STDERR_FILENO, line);
    code = 1;
  }
  ::_exit(code);  // exit() would run what the parent registered for its own end.
}

std::string end_in_words(int status) {
  if (WIFSIGNALED(status)) {
    return std::string("its process ended by signal ") + std::to_string(WTERMSIG(status)) + " (" +
           signal_name(WTERMSIG(status)) + ')';
  }
  return "its process ended with code " + std::to_string(WEXITSTATUS(status));
}

}  // namespace

child_process::child_process(const std::string& name, const std::function<void(const sender&)>& work) {
  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0) {
    throw environment_error(std::string("cannot make a pipe: ") + std::strerror(errno));
  }
  process_ = ::fork();
  if (process_ == 0) {
    ::close(ends[0]);
    run_and_end(name, work, ends[1]);
  }
  const int error = errno;
  ::close(ends[1]);
  pipe_ = ends[0];
  if (process_ < 0) {
    ::close(pipe_);
    throw environment_error(std::string("cannot start a process: ") + std::strerror(error));
  }
}

child_process::~child_process() {
  ::close(pipe_);
  if (process_ > 0) {
    kill_process(process_);
    wait();
  }
}

bool child_process::receive() {
  struct ::pollfd one {
    pipe_, POLLIN, 0
  };
  if (::poll(&one, 1, look_every_ms) <= 0) {
    return true;
  }
  std::array<char, 1 << 16> part;
  const ssize_t size = ::read(pipe_, part.data(), part.size());
  if (size < 0 && errno == EINTR) {
    return true;
  }
  if (size <= 0) {
    return false;
  }
  received_.append(part.data(), static_cast<std::size_t>(size));
  return true;
}

std::optional<std::string> child_process::next() {
  message_length length = 0;
  if (received_.size() < sizeof length) {
    return std::nullopt;
  }
  std::memcpy(&length, received_.data(), sizeof length);
  if (received_.size() < sizeof length + length) {
    return std::nullopt;
  }
  std::string message = received_.substr(sizeof length, length);
  received_.erase(0, sizeof length + length);
  return message;
}

std::string child_process::wait() {
  int status = 0;
  while (::waitpid(process_, &status, 0) < 0 && errno == EINTR) {
  }
  process_ = -1;
  return end_in_words(status);
}

}  // namespace spikesweep
