#include "commands.hpp"

#include <array>
#include <utility>

#include <spikesweep/study/sweep_step.hpp>

namespace spikesweep {

command_action run_command(const command_options& options);
command_action plan_command(const command_options& options);
command_action sweep_command(const command_options& options);
command_action status_command(const command_options& options);
command_action verify_command(const command_options& options);
command_action train_command(const command_options& options);
command_action validate_command(const command_options& options);
command_action simulate_command(const command_options& options);
command_action predict_command(const command_options& options);
command_action run_tasks_command(const command_options& options);
command_action try_file_command(const command_options& options);

namespace {

/// A new command needs a row here, a declaration above, and its file NAME_command.cpp.
constexpr std::array command_rows{
    command{"run", "sweep, train, validate and report; the same command resumes", run_command},
    command{"plan", "say what a run would need: tasks, samples, disk, memory, time", plan_command},
    command{"sweep", "simulate every task of a config into one file, or resume", sweep_command},
    command{"status", "say which tasks of a sweep are done, failed and left", status_command},
    command{"verify", "check the checksum of every finished task of a sweep file", verify_command},
    command{"train", "train a surrogate on a sweep file, on all ranks, or resume", train_command},
    command{"validate", "compare a surrogate with exact runs at the held-out test points", validate_command},
    command{"simulate", "simulate one network, or replicates of it", simulate_command},
    command{"predict", "run a surrogate instead of the network", predict_command},
    command{quarantine_command, "run the tasks that a sweep gives to this process", run_tasks_command, true},
    command{trial_command, "open a file as a trial", try_file_command, true}};

}  // namespace

command_action on_all_ranks(std::function<exit_code(const rank_context& job)> run) {
  return {std::move(run), [] { return false; }};
}

command_action on_rank_0(std::function<exit_code(const rank_context& job)> run) {
  return {std::move(run), [] { return true; }, false};
}

std::span<const command> command_table() {
  return command_rows;
}

}  // namespace spikesweep
