#include <iostream>
#include <memory>

#include <fmt/format.h>

#include <spikesweep/base/table.hpp>
#include <spikesweep/sweep/plan.hpp>

#include "command_context.hpp"

namespace spikesweep {

namespace {

struct plan_arguments {
  std::string config;
  std::vector<std::string> overrides;
};

exit_code execute(const command_context& context, const plan_arguments& arguments) {
  const sweep_description description = describe_sweep(load_configuration(arguments.config, arguments.overrides));
  const sweep_plan plan = plan_sweep(description, calibrate(description));
  text_table table({"", ""});
  table.add_row({"points", fmt::format("{} ({} train, {} selection, {} test)", plan.points, plan.train_points,
                                       plan.selection_points, plan.test_points)});
  table.add_row({"tasks", std::to_string(plan.tasks)});
  table.add_row({"samples", std::to_string(plan.samples)});
  table.add_row({"disk", readable_bytes(static_cast<double>(plan.disk_bytes))});
  table.add_row({"memory per rank", readable_bytes(static_cast<double>(plan.memory_bytes)) + " for samples"});
  table.add_row({"network events", readable(plan.events)});
  const std::string basis = plan.measured ? "from short trial tasks" : "not measured";
  table.add_row({"time on one core", fmt::format("about {} ({})", readable_duration(plan.core_s), basis)});
  const int ranks = context.world.size();
  if (ranks > 1) {
    table.add_row({fmt::format("time on {} ranks", ranks), "about " + readable_duration(plan.wall_s(ranks))});
  }
  table.print(std::cout);
  return exit_code::done;
}

}  // namespace

void add_plan_command(CLI::App& app, command_context& context) {
  CLI::App* command = app.add_subcommand("plan", "say what a sweep would run: tasks, samples, disk, memory, time");
  const auto arguments = std::make_shared<plan_arguments>();
  add_config_argument(*command, arguments->config);
  add_set_option(*command, arguments->overrides, "override a config key");
  command->callback([&context, arguments] {
    context.execute = [&context, arguments] {
      return on_rank_0(context, [&] { return execute(context, *arguments); });
    };
  });
}

}  // namespace spikesweep
