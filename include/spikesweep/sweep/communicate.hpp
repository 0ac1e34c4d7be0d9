#pragma once

#include <exception>
#include <optional>
#include <string>
#include <type_traits>

#include <boost/mpi/collectives.hpp>
#include <boost/mpi/communicator.hpp>
#include <boost/serialization/string.hpp>

#include <spikesweep/base/error.hpp>

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
auto on_root(const boost::mpi::communicator& communicator, Call call) -> std::invoke_result_t<Call> {
  using result_type = std::invoke_result_t<Call>;
  root_failure failure;
  constexpr bool gives_nothing = std::is_void_v<result_type>;
  [[maybe_unused]] std::conditional_t<gives_nothing, int, std::optional<result_type>> result{};
  if (communicator.rank() == 0) {
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
  boost::mpi::broadcast(communicator, failure, 0);
  failure.raise();
  if constexpr (!gives_nothing) {
    if (!result) {
      result.emplace();
    }
    boost::mpi::broadcast(communicator, *result, 0);
    return *std::move(result);
  }
}

/// For code that every rank runs for itself: prints one line, "spikesweep: rank R: WHAT", and takes the whole job down,
/// because the other ranks may be waiting for this one.
[[noreturn]] void abort_job(const boost::mpi::communicator& communicator, const std::exception& error);

}  // namespace spikesweep
