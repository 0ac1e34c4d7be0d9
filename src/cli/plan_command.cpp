#include <iostream>
#include <memory>

#include <fmt/format.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/base/log.hpp>
#include <spikesweep/parallel/launch.hpp>
#include <spikesweep/parallel/launch_report.hpp>
#include <spikesweep/study/config.hpp>
#include <spikesweep/study/plan_text.hpp>
#include <spikesweep/study/training_check.hpp>

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

exit_code execute(const plan_arguments& arguments) {
  const configuration config = load_configuration(arguments.config, arguments.overrides);
  const sweep_description description = describe_sweep(config);
  const study_plan plan = plan_study(config, description);
  const auto axes = static_cast<int>(description.points.axes.size());
  if (plan.sweep.train_points < 3 * (std::int64_t{axes} + 1)) {
    log_warning(
        fmt::format("{} training points are few for {} axes: the surrogate can hardly generalise; use more "
                    "points, or hold out fewer",
                    plan.sweep.train_points, axes));
  }
  const int launched_ranks = find_launch_place().ranks;
  const int here = launched_ranks > 1 ? launched_ranks : usable_cores();
  const int ranks = arguments.ranks > 0 ? arguments.ranks : here;
  try {
    check_training(config.learning, description, ranks);
  } catch (const input_error& error) {
    log_warning(fmt::format("`run` and `train` will refuse this: {}", error.what()));
  }
  if (arguments.json) {
    std::cout << plan_json(plan, ranks) << '\n';
  } else {
    print_plan(std::cout, plan, config.refine, ranks);
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
