#include <iostream>
#include <memory>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <spikesweep/base/json_text.hpp>
#include <spikesweep/base/table.hpp>
#include <spikesweep/parallel/collective.hpp>
#include <spikesweep/parallel/launch_report.hpp>
#include <spikesweep/store/file_format.hpp>
#include <spikesweep/study/grown_sweep.hpp>
#include <spikesweep/study/sweep_step.hpp>

#include "commands.hpp"
#include "sweep_options.hpp"

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
  std::cout << json_text({{"file", file},
                          {"tasks", outcome.total},
                          {"done", outcome.done},
                          {"found_done", outcome.resumed},
                          {"failed", outcome.failed},
                          {"left", outcome.total - outcome.done - outcome.failed},
                          {"damaged", outcome.damaged},
                          {"interrupted", outcome.interrupted},
                          {"ended", outcome.ended},
                          {"simulated_s", outcome.simulated_s},
                          {"events", outcome.events},
                          {"wall_s", outcome.wall_s},
                          {"store_s", outcome.store_s},
                          {"master_s", outcome.master_s},
                          {"requests", outcome.requests}})
            << '\n';
}

exit_code execute(const rank_context& job, const sweep_arguments& arguments) {
  const configuration given = load_configuration(job.world, arguments.config, arguments.overrides);
  on_root(job.world, [&] { check_hdf5_name(arguments.output); });
  const sweep_flags flags = resolved(job, arguments.flags);
  const configuration config = config_of_sweep(job.world, given, arguments.output, flags);
  const sweep_description description = describe_sweep(job.world, config, arguments.output, flags);
  report_launch(job.world);
  const sweep_outcome outcome = sweep_with_progress(job, arguments.output, description, flags);
  if (job.root()) {
    (arguments.json ? print_json : print_outcome)(outcome, arguments.output);
  }
  return exit_code_of(outcome);
}

}  // namespace

void add_sweep_options(const command_options& options, sweep_flags& flags) {
  const command_option retry = options.flag("--retry-failed", flags.retry_failed, "run failed tasks again");
  const command_option extend =
      options.flag("--extend", flags.extend,
                   "grow the sweep to the design of the config: more points, more replicates, wider ranges");
  options.flag("--fresh", flags.fresh, "start over and replace what exists").excludes(retry).excludes(extend);
  options
      .text("--grace", flags.grace,
            "after a signal, still finish the running tasks that end within this time; the others are saved and go on "
            "at the next start")
      .value_name("TIME")
      .show_default();
}

command_action sweep_command(const command_options& options) {
  const auto arguments = std::make_shared<sweep_arguments>();
  options.config(arguments->config);
  options.text("-o,--output", arguments->output, "sweep file; resumed if it exists").required().value_name("FILE.h5");
  options.set(arguments->overrides, "override a config key");
  add_sweep_options(options, arguments->flags);
  options.flag("--json", arguments->json, "print one JSON object, with the time that each part took");
  return on_all_ranks([arguments](const rank_context& job) { return execute(job, *arguments); });
}

}  // namespace spikesweep
