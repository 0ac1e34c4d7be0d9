#pragma once

#include <functional>
#include <optional>
#include <string>

#include <sys/types.h>

namespace spikesweep {

/// A copy of this process that runs one function and sends messages back through a pipe. For work that may end its
/// process: that work ends its copy only. The copy makes no MPI call. Rank-local; one thread may use an object.
class child_process {
 public:
  /// Sends a message of any length to the parent. The child ends if the parent no longer reads.
  using sender = std::function<void(const std::string& message)>;

  /// Starts the child. It calls `work` and then ends. An exception from `work` ends it with code 1 and a line on
  /// standard error that begins with `name`. The child dies with its parent. Throws environment_error if the system
  /// starts no process.
  child_process(const std::string& name, const std::function<void(const sender&)>& work);
  child_process(const child_process&) = delete;
  child_process& operator=(const child_process&) = delete;
  /// Kills the child if it still runs.
  ~child_process();

  /// Waits at most 5 ms for bytes of the child. Returns false once no more can come: the child has ended.
  bool receive();
  /// The next message that came whole.
  std::optional<std::string> next();
  /// Waits for the end of the child. Returns how it ended, in words.
  std::string wait();

 private:
  pid_t process_ = -1;
  int pipe_ = -1;
  std::string received_;
};

}  // namespace spikesweep
