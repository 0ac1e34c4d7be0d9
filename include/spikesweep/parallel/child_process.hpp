#pragma once

#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace spikesweep {

/// A program that gets one input and sends messages back. For work that may end its process. Interrupts do not reach
/// it. Its side of the connection is a parent_link. Rank-local; one thread may use an object.
class child_process {
 public:
  enum class news {
    bytes,    ///< Bytes came.
    nothing,  ///< Nothing came.
    end       ///< No more can come: the child has ended.
  };

  /// Starts the program. `command` is its path and its arguments. Throws environment_error if the system starts no
  /// process.
  child_process(const std::vector<std::string>& command, const std::string& input);
  child_process(const child_process&) = delete;
  child_process& operator=(const child_process&) = delete;
  /// Kills the child if it still runs.
  ~child_process();

  /// Waits at most 5 ms for bytes of the child.
  news receive();
  /// Processor time that the child has used [s]; 0 if it has ended.
  double used_s() const;
  /// The next message that came whole.
  std::optional<std::string> next();
  /// Kills the child if it still runs. Returns how it ended, in words.
  std::string end();

 private:
  pid_t process_ = -1;
  int pipe_ = -1;
  std::string received_;
};

/// The child's side of a child_process. The child dies with its parent.
class parent_link {
 public:
  /// Takes over standard input and output: what this process prints from now on goes to standard error. To be made
  /// before anything reads or prints. Throws input_error if no child_process started this process.
  parent_link();
  parent_link(const parent_link&) = delete;
  parent_link& operator=(const parent_link&) = delete;
  ~parent_link() = default;

  /// What the parent gave.
  const std::string& input() const { return input_; }
  /// Sends a message of any length. Throws environment_error if the parent no longer reads.
  void send(const std::string& message) const;

 private:
  std::string input_;
  int pipe_ = -1;  ///< Closes with the process: that tells the parent that the process has ended.
};

}  // namespace spikesweep
