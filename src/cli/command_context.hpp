#pragma once

#include <functional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include <spikesweep/base/error.hpp>
#include <spikesweep/base/log.hpp>
#include <spikesweep/base/progress.hpp>
#include <spikesweep/parallel/rank_context.hpp>
#include <spikesweep/study/config.hpp>
#include <spikesweep/study/sweep_step.hpp>

namespace spikesweep {

/// What every command gets: the ranks, and a place for what it will do once all arguments are known.
struct command_context {
  rank_context job;                    ///< The ranks, for commands that are not serial.
  std::function<exit_code()> execute;  ///< Set by the command that was chosen; called on every rank.
  bool serial = false;  ///< Set with it by a command of rank 0 alone: it runs without MPI, or on any rank.
};

/// Chooses a serial command, for rank 0; the others have nothing to do, and learn the exit code at the end.
void execute_on_rank_0(command_context& context, std::function<exit_code()> command);

/// The config's file name or built-in name: required positional CONFIG.
void add_config_argument(CLI::App& command, std::string& config);
/// `--set key=value`, repeatable.
void add_set_option(CLI::App& command, std::vector<std::string>& overrides, const std::string& description);

/// `--retry-failed`, `--extend` and `--fresh`, which excludes the others, and `--grace`.
void add_sweep_flags(CLI::App& command, sweep_flags& flags);

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
