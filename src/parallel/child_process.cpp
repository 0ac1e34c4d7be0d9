#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <span>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <poll.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/parallel/child_process.hpp>
#include <spikesweep/parallel/program.hpp>
#include <spikesweep/parallel/signals.hpp>

namespace spikesweep {

namespace {

constexpr int look_every_ms = 5;

/// A message goes behind its length.
using message_length = std::uint64_t;
/// The input goes behind the number of the parent's process.
using process_number = std::int64_t;

[[noreturn]] void fail(const std::string& what) {
  throw environment_error("cannot " + what + ": " + std::strerror(errno));
}

/// Writes all bytes. Returns false if that fails.
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

template <class Number>
std::array<char, sizeof(Number)> bytes_of(Number number) {
  std::array<char, sizeof number> bytes{};
  std::memcpy(bytes.data(), &number, sizeof number);
  return bytes;
}

/// Closes a file when it goes.
class open_file {
 public:
  explicit open_file(int file) : file_(file) {}
  open_file(const open_file&) = delete;
  open_file& operator=(const open_file&) = delete;
  ~open_file() {
    if (file_ >= 0) {
      ::close(file_);
    }
  }
  int get() const { return file_; }
  int release() { return std::exchange(file_, -1); }

 private:
  int file_;
};

/// A file in memory that holds the input: unlike a pipe it takes all of it at once, whether the child reads or not.
int input_file(const std::string& input) {
  open_file file(::memfd_create("spikesweep input", MFD_CLOEXEC));
  if (file.get() < 0 || !write_all(file.get(), bytes_of(process_number{::getpid()})) || !write_all(file.get(), input) ||
      ::lseek(file.get(), 0, SEEK_SET) != 0) {
    fail("keep the input of a process in memory");
  }
  return file.release();
}

std::string end_in_words(int status) {
  if (WIFSIGNALED(status)) {
    return std::string("its process ended by signal ") + std::to_string(WTERMSIG(status)) + " (" +
           signal_name(WTERMSIG(status)) + ')';
  }
  return "its process ended with code " + std::to_string(WEXITSTATUS(status));
}

std::string read_all(int from) {
  std::string text;
  std::array<char, 1 << 16> part;
  for (;;) {
    const ssize_t size = ::read(from, part.data(), part.size());
    if (size < 0 && errno == EINTR) {
      continue;
    }
    if (size <= 0) {
      return text;
    }
    text.append(part.data(), static_cast<std::size_t>(size));
  }
}

[[noreturn]] void refuse_other_parent() {
  throw input_error("this command is for spikesweep itself, which starts it for work that may end its process");
}

}  // namespace

child_process::child_process(const std::vector<std::string>& command, const std::string& input) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    fail("make a pipe");
  }
  open_file reader(ends[0]);
  const open_file writer(ends[1]);
  const open_file source(input_file(input));
  process_ = start_program(command, source.get(), writer.get(), program_signals::blocked);
  pipe_ = reader.release();
}

child_process::~child_process() {
  if (process_ > 0) {
    end();
  }
  ::close(pipe_);
}

child_process::news child_process::receive() {
  struct ::pollfd one {
    pipe_, POLLIN, 0
  };
  if (::poll(&one, 1, look_every_ms) <= 0) {
    return news::nothing;
  }
  std::array<char, 1 << 16> part;
  const ssize_t size = ::read(pipe_, part.data(), part.size());
  if (size < 0 && errno == EINTR) {
    return news::nothing;
  }
  if (size <= 0) {
    return news::end;
  }
  received_.append(part.data(), static_cast<std::size_t>(size));
  return news::bytes;
}

double child_process::used_s() const {
  clockid_t clock = 0;
  timespec used{};
  if (process_ < 0 || ::clock_getcpuclockid(process_, &clock) != 0 || ::clock_gettime(clock, &used) != 0) {
    return 0;
  }
  return static_cast<double>(used.tv_sec) + 1e-9 * static_cast<double>(used.tv_nsec);
}

std::optional<std::string> child_process::next() {
  message_length length = 0;
  if (received_.size() < sizeof length) {
    return std::nullopt;
  }
  std::memcpy(&length, received_.data(), sizeof length);
  if (received_.size() - sizeof length < length) {
    return std::nullopt;
  }
  std::string message = received_.substr(sizeof length, length);
  received_.erase(0, sizeof length + length);
  return message;
}

std::string child_process::end() {
  // A process whose pipe has closed because it ends keeps its own status.
  kill_process(process_);
  return end_in_words(wait_for_program(std::exchange(process_, -1)));
}

parent_link::parent_link() {
  struct ::stat about {};
  if (::fstat(STDIN_FILENO, &about) != 0 || !S_ISREG(about.st_mode)) {
    refuse_other_parent();
  }
  input_ = read_all(STDIN_FILENO);
  process_number parent = 0;
  if (input_.size() < sizeof parent) {
    refuse_other_parent();
  }
  std::memcpy(&parent, input_.data(), sizeof parent);
  input_.erase(0, sizeof parent);
  die_with_parent();
  if (::getppid() != parent) {  // It may have died before the line above, too.
    refuse_other_parent();
  }
  pipe_ = ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  if (pipe_ < 0 || ::dup2(STDERR_FILENO, STDOUT_FILENO) < 0) {
    fail("take over standard output");
  }
}

void parent_link::send(const std::string& message) const {
  if (!write_all(pipe_, bytes_of(message_length{message.size()})) || !write_all(pipe_, message)) {
    fail("send a message to the process that started this one");
  }
}

}  // namespace spikesweep
