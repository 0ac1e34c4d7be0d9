#include "sweep_command.hpp"

#include <cstdlib>
#include <iostream>
#include <memory>

#include <fmt/format.h>

#include <spikesweep/base/duration.hpp>
#include <spikesweep/base/json.hpp>
#include <spikesweep/base/table.hpp>
#include <spikesweep/sweep/communicate.hpp>
#include <spikesweep/sweep/launch.hpp>

#include "launch_report.hpp"
#include "refine.hpp"

namespace spikesweep {

namespace {

struct sweep_arguments {
  std::string config;
  std::string output;
  std::vector<std::string> overrides;
  sweep_flags flags;
  bool json = false;
};

/// `transitions`: samples of a task that is done.
std::string progress_text(const sweep_progress& progress, std::int64_t transitions) {
  const std::int64_t finished = progress.done + progress.failed;
  const double share = progress.total > 0 ? static_cast<double>(finished) / static_cast<double>(progress.total) : 1;
  std::string text = fmt::format("sweep: {} of {} tasks ({:.0f} %)", finished, progress.total, 100 * share);
  if (progress.failed > 0) {
    text += fmt::format(", {} failed", progress.failed);
  }
  if (progress.ended > 0 && progress.elapsed_s > 0) {
    text += fmt::format(", {} samples, {} events/s, {:.3g} x real time", progress.ended * transitions,
                        readable(static_cast<double>(progress.events) / progress.elapsed_s),
                        progress.simulated_s / progress.elapsed_s);
  }
  text += fmt::format(", {} elapsed", readable_duration(progress.elapsed_s));
  if (finished < progress.total && progress.left_s > 0) {
    text += fmt::format(", {} left", readable_duration(progress.left_s));
  }
  return text + fmt::format(", {} of {} ranks busy", progress.busy_ranks, progress.ranks);
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

void print_json(const sweep_outcome& outcome, const std::string& file) {
  json_object object;
  object.add("file", file).add("tasks", outcome.total).add("done", outcome.done).add("found_done", outcome.resumed);
  object.add("failed", outcome.failed).add("left", outcome.total - outcome.done - outcome.failed);
  object.add("damaged", outcome.damaged).add("interrupted", outcome.interrupted).add("ended", outcome.ended);
  object.add("simulated_s", outcome.simulated_s).add("events", outcome.events).add("wall_s", outcome.wall_s);
  object.add("store_s", outcome.store_s).add("master_s", outcome.master_s).add("requests", outcome.requests);
  std::cout << object.text() << '\n';
}

existing_file wanted(const sweep_flags& flags) {
  return flags.fresh ? existing_file::replace : flags.extend ? existing_file::extend : existing_file::resume;
}

exit_code execute(const command_context& context, const sweep_arguments& arguments) {
  const configuration config = load_configuration(context, arguments.config, arguments.overrides);
  on_root(context.world, [&] { check_output_file(arguments.output); });
  const sweep_flags flags = resolved(arguments.flags);
  const sweep_description description = describe_sweep(config, arguments.output, flags);
  report_launch(context.world);
  const sweep_outcome outcome = sweep_with_progress(context, arguments.output, description, flags);
  if (context.root()) {
    (arguments.json ? print_json : print_outcome)(outcome, arguments.output);
  }
  return exit_code_of(outcome);
}

}  // namespace

void add_sweep_flags(CLI::App& command, sweep_flags& flags) {
  CLI::Option* retry = command.add_flag("--retry-failed", flags.retry_failed, "run failed tasks again");
  CLI::Option* extend =
      command.add_flag("--extend", flags.extend, "grow the sweep that is there to the config's points and replicates");
  command.add_flag("--fresh", flags.fresh, "start over: what is there is replaced")->excludes(retry)->excludes(extend);
  command.add_option("--grace", flags.grace, "after a signal, finish the tasks in hand that end within this time")
      ->type_name("TIME")
      ->capture_default_str();
}

sweep_outcome sweep_with_progress(const command_context& context, const std::filesystem::path& file,
                                  const sweep_description& description, const sweep_flags& flags,
                                  const std::vector<std::filesystem::path>& made_from_it) {
  progress_line line(context.progress());
  sweep_options options;
  options.retry_failed = flags.retry_failed;
  options.grace_s = parse_duration(flags.grace);
  options.existing = wanted(flags);
  options.made_from_it = made_from_it;
  options.end = job_end();
  options.progress = [&](const sweep_progress& progress) {
    if (line.due()) {
      line.update(progress_text(progress, description.sampling.transitions));
    }
  };
  const sweep_outcome outcome = run_sweep(context.world, file, description, options);
  sweep_progress last{outcome};
  last.elapsed_s = outcome.wall_s;
  last.ranks = context.world.size();
  line.finish(progress_text(last, description.sampling.transitions));
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

sweep_flags resolved(sweep_flags flags) {
  // A job that SLURM put back into its queue is still the one that started over.
  const char* restarts = std::getenv("SLURM_RESTART_COUNT");
  if (flags.fresh && restarts != nullptr && std::atoi(restarts) > 0) {
    log_info("--fresh counted at the first start of this SLURM job; now it resumes");
    flags.fresh = false;
  }
  return flags;
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
  add_sweep_flags(*command, arguments->flags);
  command->add_flag("--json", arguments->json, "print one JSON object, with where the time went");
  command->callback(
      [&context, arguments] { context.execute = [&context, arguments] { return execute(context, *arguments); }; });
}

}  // namespace spikesweep
