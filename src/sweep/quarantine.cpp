#include "quarantine.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <exception>
#include <optional>
#include <span>
#include <sstream>
#include <utility>

#include <sys/wait.h>
#include <unistd.h>

#include <boost/archive/binary_iarchive.hpp>
#include <boost/archive/binary_oarchive.hpp>
#include <boost/serialization/array_wrapper.hpp>
#include <boost/serialization/vector.hpp>
#include <poll.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/parallel/signals.hpp>

namespace boost::serialization {

template <class Archive>
void serialize(Archive& archive, spikesweep::count_matrix& matrix, unsigned) {
  Eigen::Index rows = matrix.rows();
  Eigen::Index columns = matrix.cols();
  archive& rows& columns;
  matrix.resize(rows, columns);
  archive& make_array(matrix.data(), static_cast<std::size_t>(matrix.size()));
}

template <class Archive>
void serialize(Archive& archive, spikesweep::task_result& result, unsigned) {
  auto& block = result.block;
  archive& result.state& block.before& block.after& block.spikes& block.spike_times_E& block.spike_times_I;
  archive& block.duration& block.phase& block.perturbed& block.capped;
  auto& s = result.summary;
  archive& s.simulated_s& s.spikes_E& s.spikes_I& s.phases& s.capped& s.empty& s.grown& s.events;
}

}  // namespace boost::serialization

namespace spikesweep {

namespace {

constexpr int look_every_ms = 5;

/// Writes all of it; false if nobody reads any more.
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

/// In the new process: runs the tasks and writes each result to the pipe, behind its length. Never returns.
[[noreturn]] void run_and_tell(task_simulator& simulator, std::vector<network_task> tasks, int pipe) {
  die_with_parent();
  int code = 0;
  try {
    std::reverse(tasks.begin(), tasks.end());
    simulator.run(
        [&]() -> std::optional<network_task> {
          if (tasks.empty()) {
            return std::nullopt;
          }
          network_task next = std::move(tasks.back());
          tasks.pop_back();
          return next;
        },
        [&](const network_task& task, task_result&& result) {
          std::ostringstream text;
          boost::archive::binary_oarchive(text, boost::archive::no_header) << task.label << std::as_const(result);
          const std::string body = text.str();
          const std::uint64_t length = body.size();
          std::array<char, sizeof length> head{};
          std::memcpy(head.data(), &length, sizeof length);
          if (!write_all(pipe, head) || !write_all(pipe, body)) {
            ::_exit(1);
          }
        },
        [] { return true; });
  } catch (const std::exception& error) {
    const std::string line = std::string("spikesweep: in quarantine: ") + error.what() + '\n';
    write_all(STDERR_FILENO, line);
    code = 1;
  }
  ::_exit(code);  // Not exit(): what the rank registered for its end is not this process's.
}

std::string death(int status) {
  if (WIFSIGNALED(status)) {
    return std::string("its process ended by signal ") + std::to_string(WTERMSIG(status)) + " (" +
           signal_name(WTERMSIG(status)) + ')';
  }
  return "its process ended with code " + std::to_string(WEXITSTATUS(status));
}

/// A process that runs some tasks, and what came through its pipe.
class quarantine_process {
 public:
  quarantine_process(task_simulator& simulator, const std::vector<network_task>& tasks) {
    std::array<int, 2> ends{};
    if (::pipe(ends.data()) != 0) {
      throw environment_error(std::string("cannot make a pipe: ") + std::strerror(errno));
    }
    process_ = ::fork();
    if (process_ == 0) {
      ::close(ends[0]);
      run_and_tell(simulator, tasks, ends[1]);
    }
    const int error = errno;
    ::close(ends[1]);
    pipe_ = ends[0];
    if (process_ < 0) {
      ::close(pipe_);
      throw environment_error(std::string("cannot start a process: ") + std::strerror(error));
    }
  }
  quarantine_process(const quarantine_process&) = delete;
  quarantine_process& operator=(const quarantine_process&) = delete;
  ~quarantine_process() {
    ::close(pipe_);
    if (process_ > 0) {
      kill_process(process_);
      wait();
    }
  }

  /// Waits a moment for results, and takes in what came. False once there will be no more.
  bool receive() {
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

  /// The next result that came whole.
  std::optional<std::pair<std::int64_t, task_result>> next() {
    std::uint64_t length = 0;
    if (received_.size() < sizeof length) {
      return std::nullopt;
    }
    std::memcpy(&length, received_.data(), sizeof length);
    if (received_.size() < sizeof length + length) {
      return std::nullopt;
    }
    std::istringstream text(received_.substr(sizeof length, length));
    received_.erase(0, sizeof length + length);
    std::pair<std::int64_t, task_result> out;
    boost::archive::binary_iarchive(text, boost::archive::no_header) >> out.first >> out.second;
    return out;
  }

  /// Its exit status, once it ended.
  int wait() {
    int status = 0;
    while (::waitpid(process_, &status, 0) < 0 && errno == EINTR) {
    }
    process_ = -1;
    return status;
  }

 private:
  pid_t process_ = -1;
  int pipe_ = -1;
  std::string received_;
};

}  // namespace

bool run_in_quarantine(
    task_simulator& simulator, const std::vector<network_task>& tasks,
    const std::function<void(std::int64_t task, task_result&& result, const std::string& how)>& finished,
    const std::function<bool()>& poll) {
  if (tasks.empty()) {
    return true;
  }
  std::vector<network_task> left = tasks;
  std::string how;
  {
    quarantine_process process(simulator, tasks);
    while (process.receive()) {
      while (auto result = process.next()) {
        std::erase_if(left, [&](const network_task& task) { return task.label == result->first; });
        finished(result->first, std::move(result->second), "");
      }
      if (!poll()) {
        return false;
      }
    }
    how = death(process.wait());
  }
  if (left.empty()) {
    return true;
  }
  if (left.size() == 1) {
    // Of several, the last one left may have died of another's doing.
    if (tasks.size() > 1) {
      return run_in_quarantine(simulator, left, finished, poll);
    }
    task_result result;
    result.state = task_state::crashed;
    finished(left.front().label, std::move(result), how);
    return true;
  }
  const auto middle = left.begin() + static_cast<std::ptrdiff_t>(left.size() / 2);
  return run_in_quarantine(simulator, {left.begin(), middle}, finished, poll) &&
         run_in_quarantine(simulator, {middle, left.end()}, finished, poll);
}

}  // namespace spikesweep
