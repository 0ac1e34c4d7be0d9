#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <boost/mpi/collectives.hpp>

#include <spikesweep/base/error.hpp>
#include <spikesweep/parallel/bytes.hpp>
#include <spikesweep/parallel/communicator.hpp>
#include <spikesweep/parallel/waiting.hpp>

namespace spikesweep {

/// How a call on rank 0 ended, as every rank learns it.
struct root_failure {
  int code = 0;  ///< 0: it did not fail; -1: internal_error; otherwise the exit_code.
  std::string message;

  /// The failure that an exception stands for.
  static root_failure of(const std::exception& error);
  /// Throws input_error, environment_error, interrupted_error, spikesweep_error or internal_error; nothing if code is
  /// 0.
  void raise() const;

  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& code& message;
  }
};

/// Most bytes of one message. MPI counts bytes in an int; and a message has to be through before ranks that wait for it
/// count as stuck (pulse).
inline constexpr std::size_t longest_message = std::size_t{1} << 26;

/// Sends bytes from rank 0 to all ranks, in place; in pieces of at most `longest` bytes. Collective.
void broadcast_all(const communicator& ranks, std::span<std::byte> bytes, std::size_t longest = longest_message);

/// Sends a value that is copied byte by byte from rank 0 to all ranks. Collective.
template <class Value>
void broadcast_bytes(const communicator& ranks, Value& value) {
  static_assert(std::is_trivially_copyable_v<Value>);
  const waiting_for_ranks wait;
  boost::mpi::broadcast(ranks, reinterpret_cast<char*>(&value), static_cast<int>(sizeof value), 0);
}

/// Waits until every rank is here. Collective.
void await_all(const communicator& ranks);

/// Sends a value from rank 0 to all ranks; in pieces of at most `longest` bytes, so that its size has no limit.
/// Boost.Serialization has to know the type. Collective.
template <class Value>
void broadcast(const communicator& ranks, Value& value, std::size_t longest = longest_message) {
  if constexpr (std::is_arithmetic_v<Value>) {
    broadcast_bytes(ranks, value);
  } else {
    std::string bytes = ranks.rank() == 0 ? to_bytes(value) : std::string();
    std::uint64_t length = bytes.size();
    broadcast_bytes(ranks, length);
    bytes.resize(length);
    broadcast_all(ranks, std::as_writable_bytes(std::span(bytes)), longest);
    if (ranks.rank() != 0) {
      value = from_bytes<Value>(std::move(bytes));
    }
  }
}

/// Runs `call` on rank 0 alone. Every rank returns its result, which Boost.Serialization has to know, or nothing. If it
/// throws, every rank throws the same error (what is no spikesweep_error becomes environment_error), so that all leave
/// in step and rank 0's main alone prints. Collective.
template <class Call>
auto on_root(const communicator& ranks, Call call) -> std::invoke_result_t<Call> {
  using result_type = std::invoke_result_t<Call>;
  root_failure failure;
  constexpr bool gives_nothing = std::is_void_v<result_type>;
  [[maybe_unused]] std::conditional_t<gives_nothing, int, std::optional<result_type>> result{};
  if (ranks.rank() == 0) {
    try {
      if constexpr (gives_nothing) {
        call();
      } else {
        result.emplace(call());
      }
    } catch (const std::exception& error) {
      failure = root_failure::of(error);
    }
  }
  broadcast(ranks, failure);
  failure.raise();
  if constexpr (!gives_nothing) {
    if (!result) {
      result.emplace();
    }
    broadcast(ranks, *result);
    return *std::move(result);
  }
}

/// Throws the failure of the lowest rank that has one on every rank, so that all leave in step; nothing if there is
/// none. `mine`: how this rank's part ended. Collective.
void raise_together(const communicator& ranks, root_failure mine);

/// Runs `call`, which is not collective, on every rank. If it throws on any, every rank throws: the error of the lowest
/// one, with its rank and host unless that is rank 0. So no rank goes on alone to where the others do not come.
/// Collective.
template <class Call>
auto on_every_rank(const communicator& ranks, Call call) -> std::invoke_result_t<Call> {
  using result_type = std::invoke_result_t<Call>;
  root_failure failure;
  if constexpr (std::is_void_v<result_type>) {
    try {
      call();
    } catch (const std::exception& error) {
      failure = root_failure::of(error);
    }
    raise_together(ranks, std::move(failure));
  } else {
    std::optional<result_type> result;
    try {
      result.emplace(call());
    } catch (const std::exception& error) {
      failure = root_failure::of(error);
    }
    raise_together(ranks, std::move(failure));
    return *std::move(result);
  }
}

/// The same ranks with messages of their own. Collective.
inline communicator duplicate(const communicator& ranks) {
  const waiting_for_ranks wait;
  return {ranks, boost::mpi::comm_duplicate};
}

/// "rank R on HOST", for messages about this rank.
std::string name_of_rank(const communicator& ranks);

/// This rank alone.
communicator self();

/// Whether `mine` is true on any rank; the same on all. Collective.
bool on_any_rank(const communicator& ranks, bool mine);

/// Element by element the least, or the largest, over all ranks, in place; in pieces of at most `longest` bytes.
/// Collective.
void all_reduce_least(const communicator& ranks, std::vector<double>& values, std::size_t longest = longest_message);
void all_reduce_largest(const communicator& ranks, std::vector<double>& values, std::size_t longest = longest_message);

/// Throws input_error on every rank unless every rank has the words of rank 0. `what` says what a rank has that
/// differs, such as "other arguments", and `cure` what to do then. Collective.
void check_same_words(const communicator& ranks, const std::vector<std::string>& words, const std::string& what,
                      const std::string& cure = "start all ranks with the same ones");

/// Calls `take` on rank 0 with the bytes of each rank in turn, from rank 0 on. Rank 0 holds the bytes of one rank at a
/// time; they come in pieces of at most `longest` bytes, so that their length has no limit. If `take` throws, every
/// rank throws the same error once all bytes have come. Collective.
void collect_bytes(const communicator& ranks, std::string mine,
                   const std::function<void(int rank, std::string bytes)>& take, std::size_t longest = longest_message);

/// The numbers 0 to `count` - 1 that are this rank's: every n-th one of n ranks.
std::vector<std::size_t> share_of(const communicator& ranks, std::size_t count);

/// The parts of all ranks one after another, on every rank. Collective.
std::vector<std::int64_t> all_gather_joined(const communicator& ranks, const std::vector<std::int64_t>& mine,
                                            std::size_t longest = longest_message);

/// For code that every rank runs for itself: prints one line, "spikesweep: rank R on HOST: WHAT", and takes the whole
/// job down, because the other ranks may be waiting for this one.
[[noreturn]] void abort_job(const communicator& ranks, const std::exception& error);

}  // namespace spikesweep
