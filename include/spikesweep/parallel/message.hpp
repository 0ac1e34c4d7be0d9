#pragma once

#include <cstddef>
#include <list>
#include <optional>
#include <type_traits>
#include <vector>

#include <mpi.h>

#include <spikesweep/parallel/communicator.hpp>
#include <spikesweep/parallel/waiting.hpp>

namespace spikesweep {

/// Messages between two ranks. They go as bytes, so that a type needs no description. A type may send less than all of
/// itself: an overload of size_of(message) in its namespace says how many bytes count.

/// Sends a message to a rank. Rank-local; may wait until the receiver takes it.
template <class Message>
void send_message(const communicator& ranks, int to, int tag, const Message& message) {
  static_assert(std::is_trivially_copyable_v<Message>);
  const waiting_for_ranks wait;
  ranks.send(to, tag, reinterpret_cast<const char*>(&message), static_cast<int>(size_of(message)));
}

/// Sends messages without ever waiting for the ranks that receive them: keeps each until MPI has taken it. Rank-local.
class outbox {
 public:
  explicit outbox(const communicator& ranks) : ranks_(ranks) {}
  outbox(const outbox&) = delete;
  outbox& operator=(const outbox&) = delete;
  /// Leaves what is still under way to MPI, for the rest of the process.
  ~outbox();

  template <class Message>
  void send(int to, int tag, const Message& message) {
    static_assert(std::is_trivially_copyable_v<Message>);
    const char* bytes = reinterpret_cast<const char*>(&message);
    send_bytes(to, tag, std::vector<char>(bytes, bytes + size_of(message)));
  }
  /// Messages that MPI has not taken yet.
  std::size_t under_way();

 private:
  struct letter {
    std::vector<char> bytes;
    MPI_Request sent = MPI_REQUEST_NULL;
  };

  void send_bytes(int to, int tag, std::vector<char> bytes);

  const communicator& ranks_;
  std::list<letter> letters_;  // MPI reads the bytes where they are.
};

/// Waits for a message from a rank.
template <class Message>
Message receive_message(const communicator& ranks, int from, int tag) {
  static_assert(std::is_trivially_copyable_v<Message>);
  Message message;
  const waiting_for_ranks wait;
  ranks.recv(from, tag, reinterpret_cast<char*>(&message), static_cast<int>(sizeof message));
  return message;
}

/// The rank whose message waits here, if there is one: of any rank, or of one.
std::optional<int> message_from_any(const communicator& ranks, int tag);
bool message_from(const communicator& ranks, int from, int tag);

}  // namespace spikesweep
