#include <iostream>
#include <memory>

#include <fmt/format.h>

#include <spikesweep/base/duration.hpp>
#include <spikesweep/base/json.hpp>
#include <spikesweep/base/table.hpp>
#include <spikesweep/parallel/collective.hpp>
#include <spikesweep/parallel/launch_report.hpp>
#include <spikesweep/study/refine.hpp>
#include <spikesweep/study/sweep_step.hpp>

#include "command_context.hpp"

namespace spikesweep {

namespace {

struct sweep_arguments {
  std::string config;
  std::string output;
  std::vector<std::string> overrides;
  sweep_flags flags;
  bool json = false;
};

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

exit_code execute(const command_context& context, const sweep_arguments& arguments) {
  const configuration config = load_configuration(context.job.world, arguments.config, arguments.overrides);
  on_root(context.job.world, [&] { check_output_file(arguments.output); });
  const sweep_flags flags = resolved(arguments.flags);
  const sweep_description description = describe_sweep(config, arguments.output, flags);
  report_launch(context.job.world);
  const sweep_outcome outcome = sweep_with_progress(context.job, arguments.output, description, flags);
  if (context.job.root()) {
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
