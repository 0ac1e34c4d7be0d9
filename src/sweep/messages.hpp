#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <spikesweep/network/transition.hpp>
#include <spikesweep/parallel/message.hpp>
#include <spikesweep/sweep/scheduler.hpp>

#include "unfinished_work.hpp"

namespace spikesweep {

/// How one task went.
struct task_report {
  std::int64_t task = 0;
  task_state state = task_state::pending;  ///< pending: dropped.
  double simulated_s = 0;
  double wall_s = 0;
  std::int64_t events = 0;
  double share_new = 1;  ///< Part of the events that this run simulated; earlier ones did the others.
};

/// From a worker to the master.
struct worker_message {
  enum kind_type : std::int32_t {
    request,  ///< Asks for a bundle.
    report,   ///< A task ended.
    trouble,  ///< People should know something about saved tasks: ranks other than 0 say nothing themselves.
    goodbye   ///< Will start nothing more; waits for `farewell`.
  };
  static constexpr std::size_t longest_words = 1000;

  kind_type kind = request;
  task_report report_of = {};
  double store_s = 0;  ///< With `goodbye`: time that the worker spent in the sweep file [s].
  save_trouble::kind_type trouble_of = save_trouble::not_saved;
  std::int32_t words_length = 0;               ///< With `trouble`:
  std::array<char, longest_words> words = {};  ///< what it is, in so many bytes. The others are not sent.
};

/// From the master to a worker.
struct master_message {
  enum kind_type : std::int32_t {
    bundle,   ///< Answers a request; empty, asked for or not: there is nothing more.
    stop,     ///< Finish within grace_s what can be, drop the rest.
    farewell  ///< Answers `goodbye`: nothing comes after it.
  };
  kind_type kind = bundle;
  std::int32_t count = 0;
  double grace_s = 0;
  std::array<std::int64_t, scheduler::max_bundle> tasks{};
};

// Messages go as bytes, of a bundle the tasks that are there. One tag each way, so that MPI keeps them in order.
inline constexpr int worker_tag = 1;
inline constexpr int master_tag = 2;

inline std::size_t size_of(const worker_message& message) {
  return offsetof(worker_message, words) + static_cast<std::size_t>(message.words_length);
}
inline std::size_t size_of(const master_message& message) {
  return offsetof(master_message, tasks) + static_cast<std::size_t>(message.count) * sizeof message.tasks[0];
}

}  // namespace spikesweep
