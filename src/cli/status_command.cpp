#include <algorithm>
#include <iostream>
#include <memory>
#include <system_error>

#include <fmt/format.h>

#include <spikesweep/base/json.hpp>
#include <spikesweep/base/table.hpp>
#include <spikesweep/sweep/status.hpp>

#include "command_context.hpp"
#include "run_directory.hpp"

namespace spikesweep {

namespace {

struct status_arguments {
  std::string target;
  bool json = false;
};

/// The sweep file that the argument means: itself, or that of a run's directory.
std::filesystem::path sweep_file_of(const std::string& target) {
  std::error_code failure;
  if (!std::filesystem::exists(target, failure)) {
    throw input_error("'" + target + "' does not exist");
  }
  if (!std::filesystem::is_directory(target, failure)) {
    return target;
  }
  const run_directory directory{target};
  if (!std::filesystem::exists(directory.sweep(), failure)) {
    throw input_error("'" + target + "' holds no sweep.h5: not a directory of `spikesweep run`, or nothing has begun");
  }
  return directory.sweep();
}

json_object point_json(int index, const point_status& point) {
  json_object object;
  object.add("point", index).add("done", point.done).add("failed", point.failed).add("pending", point.pending);
  object.add("simulated_s", point.simulated_s).add("rate_E_hz", point.rate_E).add("rate_I_hz", point.rate_I);
  object.add("capped_share", point.capped_share).add("empty_share", point.empty_share);
  return object;
}

std::string status_json(const std::string& file, const sweep_status& status) {
  json_object object;
  object.add("file", file).add("version", status.version);
  object.add("tasks", status.total).add("done", status.done).add("failed", status.failed());
  object.add("runaway", status.runaway).add("time_cap", status.time_cap).add("crashed", status.crashed);
  object.add("pending", status.pending).add("started", status.started).add("samples", status.samples);
  object.add("simulated_s", status.simulated_s).add("core_s", status.core_s);
  object.add("done_points", status.done_points).add("failed_points", status.failed_points);
  object.add("pending_points", status.pending_points);
  std::vector<json_object> points;
  for (std::size_t i = 0; i < status.points.size(); ++i) {
    points.push_back(point_json(static_cast<int>(i), status.points[i]));
  }
  object.add("points", points).add("log", status.log);
  return object.text();
}

void print_status(const std::string& file, const sweep_status& status) {
  text_table table({"", ""});
  table.add_row({"file", file});
  table.add_row({"tasks", std::to_string(status.total)});
  table.add_row({"done", std::to_string(status.done)});
  table.add_row({"failed", fmt::format("{} (runaway {}, time cap {}, crashed {})", status.failed(), status.runaway,
                                       status.time_cap, status.crashed)});
  table.add_row({"left", fmt::format("{} (of these started {})", status.pending, status.started)});
  table.add_row({"samples", std::to_string(status.samples)});
  table.add_row({"simulated", readable(status.simulated_s) + " s"});
  table.add_row({"core time", readable_duration(status.core_s)});
  table.add_row({"points", fmt::format("{} done, {} failed, {} left", status.done_points.size(),
                                       status.failed_points.size(), status.pending_points.size())});
  if (!status.failed_points.empty()) {
    table.add_row({"failed points", fmt::format("{}", fmt::join(status.failed_points, " "))});
  }
  double capped = 0;
  double empty = 0;
  for (const point_status& point : status.points) {
    capped = std::max(capped, point.capped_share);
    empty = std::max(empty, point.empty_share);
  }
  table.add_row({"capped phases", fmt::format("up to {:.3g} % at a point", 100 * capped)});
  table.add_row({"empty phases", fmt::format("up to {:.3g} % at a point", 100 * empty)});
  table.print(std::cout);
}

exit_code execute(const status_arguments& arguments) {
  const std::filesystem::path file = sweep_file_of(arguments.target);
  const sweep_status status = read_status(file);
  if (arguments.json) {
    std::cout << status_json(file.string(), status) << '\n';
  } else {
    print_status(file.string(), status);
  }
  return exit_code::done;
}

}  // namespace

void add_status_command(CLI::App& app, command_context& context) {
  CLI::App* command = app.add_subcommand("status", "say what of a sweep is done, failed and left");
  const auto arguments = std::make_shared<status_arguments>();
  command->add_option("FILE", arguments->target, "sweep file, or directory of a run")
      ->required()
      ->type_name("FILE.h5|DIR");
  command->add_flag("--json", arguments->json, "print one JSON object, with every point");
  command->callback([&context, arguments] {
    context.execute = [&context, arguments] { return on_rank_0(context, [&] { return execute(*arguments); }); };
  });
}

}  // namespace spikesweep
