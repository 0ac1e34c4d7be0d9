#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <span>
#include <sstream>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <boost/archive/binary_iarchive.hpp>
#include <boost/archive/binary_oarchive.hpp>
#include <boost/mpi/collectives.hpp>
#include <boost/serialization/string.hpp>
#include <boost/serialization/vector.hpp>

#include <spikesweep/base/error.hpp>
#include <spikesweep/parallel/communicator.hpp>

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
  boost::mpi::broadcast(ranks, failure, 0);
  failure.raise();
  if constexpr (!gives_nothing) {
    if (!result) {
      result.emplace();
    }
    boost::mpi::broadcast(ranks, *result, 0);
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

/// Sends a value from rank 0 to all ranks. Collective.
template <class Value>
void broadcast(const communicator& ranks, Value& value) {
  boost::mpi::broadcast(ranks, value, 0);
}

/// The same for a value that is copied byte by byte. Collective.
template <class Value>
void broadcast_bytes(const communicator& ranks, Value& value) {
  static_assert(std::is_trivially_copyable_v<Value>);
  boost::mpi::broadcast(ranks, reinterpret_cast<char*>(&value), static_cast<int>(sizeof value), 0);
}

/// The same ranks with messages of their own. Collective.
inline communicator duplicate(const communicator& ranks) {
  return {ranks, boost::mpi::comm_duplicate};
}

/// This rank alone.
communicator self();

/// Whether `mine` is true on any rank; the same on all. Collective.
bool on_any_rank(const communicator& ranks, bool mine);

/// Element by element the least, or the largest, over all ranks, in place. Collective.
void all_reduce_least(const communicator& ranks, std::vector<double>& values);
void all_reduce_largest(const communicator& ranks, std::vector<double>& values);

/// Throws input_error on every rank unless every rank has the words of rank 0. `what` says what they are, such as
/// "arguments". Collective.
void check_same_words(const communicator& ranks, const std::vector<std::string>& words, const std::string& what);

/// Most bytes of one message: MPI counts bytes in an int.
inline constexpr std::size_t longest_message = std::size_t{1} << 30;

/// Sends bytes from rank 0 to all ranks, in place; in pieces of at most `longest` bytes. Collective.
void broadcast_all(const communicator& ranks, std::span<std::byte> bytes, std::size_t longest = longest_message);

/// The bytes of every rank on rank 0, in order of ranks; elsewhere nothing. Goes in pieces of at most `longest` bytes,
/// so that their length has no limit. Collective.
std::vector<std::string> gather_bytes(const communicator& ranks, std::string mine,
                                      std::size_t longest = longest_message);

/// The values of every rank on rank 0, in order of ranks; elsewhere nothing. Boost.Serialization has to know the type.
/// Values of any size. Collective.
template <class Value>
std::vector<Value> gather_on_root(const communicator& ranks, const Value& mine, std::size_t longest = longest_message) {
  std::string bytes;
  {
    std::ostringstream text;
    boost::archive::binary_oarchive(text, boost::archive::no_header) << mine;
    bytes = std::move(text).str();
  }
  std::vector<Value> all;
  for (std::string& of_rank : gather_bytes(ranks, std::move(bytes), longest)) {
    std::istringstream text(std::move(of_rank));
    boost::archive::binary_iarchive(text, boost::archive::no_header) >> all.emplace_back();
  }
  return all;
}

/// The numbers 0 to `count` - 1 that are this rank's: every n-th one of n ranks.
std::vector<std::size_t> share_of(const communicator& ranks, std::size_t count);

/// Puts together, on rank 0, what the ranks made of their shares (see share_of): element i of the result is of number
/// i. Elsewhere the result is empty. Collective.
template <class Part>
std::vector<Part> gather_shares(const communicator& ranks, const std::vector<Part>& mine, std::size_t count,
                                std::size_t longest = longest_message) {
  std::vector<std::vector<Part>> parts = gather_on_root(ranks, mine, longest);
  std::vector<Part> out;
  const auto n = static_cast<std::size_t>(ranks.size());
  for (std::size_t i = 0; !parts.empty() && i < count; ++i) {
    out.push_back(std::move(parts[i % n][i / n]));
  }
  return out;
}

/// The parts of all ranks one after another, on every rank. Collective.
std::vector<std::int64_t> all_gather_joined(const communicator& ranks, const std::vector<std::int64_t>& mine);

/// For code that every rank runs for itself: prints one line, "spikesweep: rank R: WHAT", and takes the whole job down,
/// because the other ranks may be waiting for this one.
[[noreturn]] void abort_job(const communicator& ranks, const std::exception& error);

}  // namespace spikesweep
