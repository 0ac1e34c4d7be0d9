#pragma once

#include <optional>
#include <type_traits>

#include <spikesweep/parallel/communicator.hpp>

namespace spikesweep {

/// Messages between two ranks. They go as bytes, so that a type needs no description. A type may send less than all of
/// itself: an overload of size_of(message) in its namespace says how many bytes count.

/// Sends a message to a rank. Rank-local; may wait until the receiver takes it.
template <class Message>
void send_message(const communicator& ranks, int to, int tag, const Message& message) {
  static_assert(std::is_trivially_copyable_v<Message>);
  ranks.send(to, tag, reinterpret_cast<const char*>(&message), static_cast<int>(size_of(message)));
}

/// Waits for a message from a rank.
template <class Message>
Message receive_message(const communicator& ranks, int from, int tag) {
  static_assert(std::is_trivially_copyable_v<Message>);
  Message message;
  ranks.recv(from, tag, reinterpret_cast<char*>(&message), static_cast<int>(sizeof message));
  return message;
}

/// The rank whose message waits here, if there is one: of any rank, or of one.
std::optional<int> message_from_any(const communicator& ranks, int tag);
bool message_from(const communicator& ranks, int from, int tag);

}  // namespace spikesweep
