#include "sweep_command.hpp"

#include <cstdlib>
#include <iostream>
#include <memory>

#include <fmt/format.h>

#include <spikesweep/base/table.hpp>
#include <spikesweep/sweep/communicate.hpp>
#include <spikesweep/sweep/launch.hpp>

#include "launch_report.hpp"

namespace spikesweep {

namespace {

struct sweep_arguments {
  std::string config;
  std::string output;
  std::vector<std::string> overrides;
  earlier_sweep_arguments earlier;
};

std::string progress_text(const sweep_progress& progress) {
  const double finished = static_cast<double>(progress.done + progress.failed);
  return fmt::format("sweep: {} of {} tasks ({:.0f} %), {} failed, {:.4g} s simulated, {} elapsed",
                     progress.done + progress.failed, progress.total,
                     progress.total > 0 ? 100 * finished / static_cast<double>(progress.total) : 100, progress.failed,
                     progress.simulated_s, readable_duration(progress.elapsed_s));
}

void print_outcome(const sweep_outcome& outcome, const std::string& file) {
  text_table table({"", ""});
  table.add_row({"file", file});
  table.add_row({"tasks", std::to_string(outcome.total)});
  table.add_row({"done", std::to_string(outcome.done)});
  table.add_row({"found done", std::to_string(outcome.resumed)});
  table.add_row({"failed", std::to_string(outcome.failed)});
  table.add_row({"left", std::to_string(outcome.total - outcome.done - outcome.failed)});
  table.add_row({"simulated", fmt::format("{} s", readable(outcome.simulated_s))});
  table.add_row({"wall time", readable_duration(outcome.wall_s)});
  table.print(std::cout);
}

/// What the flags ask for. A job that SLURM put back into its queue is still the one that started over.
existing_file wanted(const earlier_sweep_arguments& arguments) {
  const char* restarts = std::getenv("SLURM_RESTART_COUNT");
  if (arguments.fresh && restarts != nullptr && std::atoi(restarts) > 0) {
    log_info("--fresh counted at the first start of this SLURM job; now it resumes");
    return existing_file::resume;
  }
  return arguments.fresh ? existing_file::replace : arguments.extend ? existing_file::extend : existing_file::resume;
}

exit_code execute(const command_context& context, const sweep_arguments& arguments) {
  const configuration config = load_configuration(context, arguments.config, arguments.overrides);
  const sweep_description description = describe_sweep(config);
  on_root(context.world, [&] { check_output_file(arguments.output); });
  report_launch(context.world);
  const sweep_outcome outcome = sweep_with_progress(context, arguments.output, description, arguments.earlier);
  if (context.root()) {
    print_outcome(outcome, arguments.output);
  }
  return exit_code_of(outcome);
}

}  // namespace

void add_earlier_sweep_flags(CLI::App& command, earlier_sweep_arguments& arguments) {
  CLI::Option* retry = command.add_flag("--retry-failed", arguments.retry_failed, "run failed tasks again");
  CLI::Option* extend = command.add_flag("--extend", arguments.extend,
                                         "grow the sweep that is there to the config's points and replicates");
  command.add_flag("--fresh", arguments.fresh, "start over: what is there is replaced")
      ->excludes(retry)
      ->excludes(extend);
}

sweep_outcome sweep_with_progress(const command_context& context, const std::filesystem::path& file,
                                  const sweep_description& description, const earlier_sweep_arguments& arguments,
                                  const std::vector<std::filesystem::path>& made_from_it) {
  progress_line line(context.progress());
  sweep_progress last;
  sweep_options options;
  options.retry_failed = arguments.retry_failed;
  options.existing = wanted(arguments);
  options.made_from_it = made_from_it;
  options.end = job_end();
  options.progress = [&](const sweep_progress& progress) {
    last = progress;
    if (line.due()) {
      line.update(progress_text(progress));
    }
  };
  const sweep_outcome outcome = run_sweep(context.world, file, description, options);
  last.done = outcome.done;
  last.failed = outcome.failed;
  last.total = outcome.total;
  last.simulated_s = outcome.simulated_s;
  last.elapsed_s = outcome.wall_s;
  line.finish(progress_text(last));
  if (outcome.damaged > 0) {
    log_warning(fmt::format("{} tasks on disk were damaged and have been run again", outcome.damaged));
  }
  if (outcome.failed > 0) {
    log_warning(
        fmt::format("{} tasks failed; `spikesweep status` lists them, --retry-failed runs them again", outcome.failed));
  }
  if (outcome.interrupted) {
    log_warning("interrupted; every finished task is on disk, and the same command goes on from there");
  }
  return outcome;
}

exit_code exit_code_of(const sweep_outcome& outcome) {
  if (outcome.interrupted) {
    return exit_code::interrupted;
  }
  return outcome.failed > 0 ? exit_code::failed_points : exit_code::done;
}

void add_sweep_command(CLI::App& app, command_context& context) {
  CLI::App* command = app.add_subcommand("sweep", "simulate every task of a config into one file, or resume");
  const auto arguments = std::make_shared<sweep_arguments>();
  add_config_argument(*command, arguments->config);
  command->add_option("-o,--output", arguments->output, "sweep file; resumed if it exists")
      ->required()
      ->type_name("FILE.h5");
  add_set_option(*command, arguments->overrides, "override a config key");
  add_earlier_sweep_flags(*command, arguments->earlier);
  command->callback(
      [&context, arguments] { context.execute = [&context, arguments] { return execute(context, *arguments); }; });
}

}  // namespace spikesweep
