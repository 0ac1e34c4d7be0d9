#include <iostream>
#include <memory>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <spikesweep/base/json_text.hpp>
#include <spikesweep/base/log.hpp>
#include <spikesweep/base/table.hpp>
#include <spikesweep/parallel/launch.hpp>
#include <spikesweep/parallel/launch_report.hpp>
#include <spikesweep/study/config.hpp>
#include <spikesweep/sweep/plan.hpp>

#include "commands.hpp"

namespace spikesweep {

namespace {

/// More ranks than any machine has.
constexpr int most_ranks = 10'000'000;

struct plan_arguments {
  std::string config;
  std::vector<std::string> overrides;
  int ranks = 0;  ///< 0: the ranks that run this command, or one for each core.
  bool json = false;
};

std::string plan_json(const sweep_plan& plan, int ranks) {
  const task_calibration& trial = plan.calibration;
  return json_text({{"points", plan.points},
                    {"train_points", plan.train_points},
                    {"selection_points", plan.selection_points},
                    {"test_points", plan.test_points},
                    {"tasks", plan.tasks},
                    {"samples", plan.samples},
                    {"disk_bytes", plan.disk_bytes},
                    {"memory_bytes_per_rank", plan.memory_bytes},
                    {"events", plan.events},
                    {"core_s", plan.core_s},
                    {"wall_s_on_one_rank", plan.wall_s(1)},
                    {"ranks", ranks},
                    {"wall_s", plan.wall_s(ranks)},
                    {"ns_per_event", trial.ns_per_event},
                    {"measured_s", trial.wall_s},
                    {"trial_tasks", trial.tasks},
                    {"trial_transitions", trial.transitions}});
}

/// What the estimate of the times rests on.
std::string basis(const task_calibration& trial) {
  if (trial.wall_s == 0) {
    return "nothing: a usual time for each event";
  }
  const std::string pace =
      fmt::format("{:.3g} ns an event over {}", trial.ns_per_event, readable_duration(trial.wall_s));
  return trial.tasks > 0 ? fmt::format("{}, {} trial tasks of {} transitions", pace, trial.tasks, trial.transitions)
                         : pace + "; no trial task ended in that time, so the number of events is a guess";
}

void print_plan(const sweep_plan& plan, const refine_settings& refine, int ranks) {
  text_table table({"", ""});
  table.add_row({"points", fmt::format("{} ({} train, {} selection, {} test)", plan.points, plan.train_points,
                                       plan.selection_points, plan.test_points)});
  if (refine.rounds > 0) {
    table.add_row({"refining", fmt::format("later: {} rounds of {} points more, which nothing below counts",
                                           refine.rounds, refine.points)});
  }
  table.add_row({"tasks", std::to_string(plan.tasks)});
  table.add_row({"samples", std::to_string(plan.samples)});
  table.add_row({"disk", readable_bytes(static_cast<double>(plan.disk_bytes))});
  table.add_row({"memory per rank", readable_bytes(static_cast<double>(plan.memory_bytes)) + " for samples"});
  table.add_row({"network events", readable(plan.events)});
  table.add_row({"time on 1 rank", "about " + readable_duration(plan.wall_s(1))});
  if (ranks > 1) {
    table.add_row({fmt::format("time on {} ranks", ranks),
                   fmt::format("about {}, a core each", readable_duration(plan.wall_s(ranks)))});
  }
  table.add_row({"measured here", basis(plan.calibration)});
  table.print(std::cout);
}

exit_code execute(const plan_arguments& arguments) {
  const configuration config = load_configuration(arguments.config, arguments.overrides);
  const sweep_description description = describe_sweep(config);
  const sweep_plan plan = plan_sweep(description, calibrate(description));
  const auto axes = static_cast<int>(description.points.axes.size());
  if (plan.train_points < 3 * (axes + 1)) {
    log_warning(
        fmt::format("{} training points are few for {} axes: the surrogate can hardly generalise; use more "
                    "points, or hold out fewer",
                    plan.train_points, axes));
  }
  const int launched_ranks = find_launch_place().ranks;
  const int here = launched_ranks > 1 ? launched_ranks : usable_cores();
  const int ranks = arguments.ranks > 0 ? arguments.ranks : here;
  if (arguments.json) {
    std::cout << plan_json(plan, ranks) << '\n';
  } else {
    print_plan(plan, config.refine, ranks);
  }
  return exit_code::done;
}

}  // namespace

command_action plan_command(const command_options& options) {
  const auto arguments = std::make_shared<plan_arguments>();
  options.config(arguments->config);
  options.set(arguments->overrides, "override a config key");
  options.number("--ranks", arguments->ranks, "ranks to estimate the time for; default: one for each core here")
      .between(1, most_ranks)
      .value_name("N");
  options.flag("--json", arguments->json, "print one JSON object");
  return on_rank_0([arguments](const rank_context&) { return execute(*arguments); });
}

}  // namespace spikesweep
