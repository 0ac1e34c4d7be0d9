#pragma once

#include <functional>
#include <span>

#include <spikesweep/base/error.hpp>
#include <spikesweep/parallel/rank_context.hpp>

#include "command_options.hpp"

namespace spikesweep {

/// What a command does after its options were parsed.
struct command_action {
  /// Called on every rank, or on rank 0 alone.
  std::function<exit_code(const rank_context& job)> run;
  /// Whether rank 0 alone runs the command, which then needs no MPI. Called on every rank.
  std::function<bool()> alone;
  /// Whether there are arguments with which it is not alone: then it has the option `--ranks`.
  bool on_ranks = true;
  /// The file that it writes, if rank 0 alone runs it; empty: none.
  std::function<std::string()> output = [] { return std::string(); };
};

/// The command by which spikesweep has another process try a file.
inline constexpr const char* trial_command = "try-file";

/// A command that all ranks run together.
command_action on_all_ranks(std::function<exit_code(const rank_context& job)> run);
/// A command that rank 0 runs alone, without MPI. The other ranks do nothing.
command_action on_rank_0(std::function<exit_code(const rank_context& job)> run);

/// One row of the table of commands.
struct command {
  const char* name;
  const char* summary;
  /// Adds the options of the command. The action keeps the variables that they fill.
  command_action (*add)(const command_options& options);
  bool hidden = false;  ///< For spikesweep itself: not in the help text.
};

/// Every command, in the order of the help text.
std::span<const command> command_table();

}  // namespace spikesweep
