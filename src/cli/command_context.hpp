#pragma once

#include <functional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <boost/mpi/communicator.hpp>

#include <spikesweep/base/error.hpp>
#include <spikesweep/base/log.hpp>
#include <spikesweep/base/progress.hpp>

#include "config.hpp"

namespace spikesweep {

/// What every command gets: the ranks, and a place for what it will do once all arguments are known.
struct command_context {
  boost::mpi::communicator world;      ///< For commands that are not serial.
  std::function<exit_code()> execute;  ///< Set by the command that was chosen; called on every rank.
  bool serial = false;  ///< Set with it by a command of rank 0 alone: it runs without MPI, or on any rank.

  /// 0 and 1 where MPI was not started.
  int rank() const;
  int ranks() const;
  bool root() const { return rank() == 0; }
  /// Progress on rank 0, silence elsewhere.
  progress_output progress() const { return root() ? progress_output::standard() : progress_output::silent(); }
};

/// Chooses a serial command, for rank 0; the others have nothing to do, and learn the exit code at the end.
void execute_on_rank_0(command_context& context, std::function<exit_code()> command);

/// Reads a config on rank 0 and parses it on every rank, so that all throw the same input_error. Collective.
configuration load_configuration(const command_context& context, const std::string& path_or_name,
                                 const std::vector<std::string>& overrides);

/// The config's file name or built-in name: required positional CONFIG.
void add_config_argument(CLI::App& command, std::string& config);
/// `--set key=value`, repeatable.
void add_set_option(CLI::App& command, std::vector<std::string>& overrides, const std::string& description);

/// Throws input_error unless `path` can be written as a file: its directory exists and it is no directory itself.
/// Rank-local; for rank 0.
void check_output_file(const std::string& path);

// One a subcommand: adds its arguments, and has it set context.execute when it is chosen. `app` and `context` have to
// outlive the parsing and the execution.
void add_run_command(CLI::App& app, command_context& context);
void add_plan_command(CLI::App& app, command_context& context);
void add_sweep_command(CLI::App& app, command_context& context);
void add_status_command(CLI::App& app, command_context& context);
void add_verify_command(CLI::App& app, command_context& context);
void add_train_command(CLI::App& app, command_context& context);
void add_validate_command(CLI::App& app, command_context& context);
void add_simulate_command(CLI::App& app, command_context& context);
void add_predict_command(CLI::App& app, command_context& context);

}  // namespace spikesweep
