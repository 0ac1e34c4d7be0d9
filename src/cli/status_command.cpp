#include <charconv>
#include <iostream>
#include <memory>
#include <optional>
#include <system_error>

#include <fmt/format.h>

#include <spikesweep/base/duration.hpp>
#include <spikesweep/study/run_directory.hpp>

#include "command_context.hpp"
#include "status_text.hpp"
#include "status_watch.hpp"

namespace spikesweep {

namespace {

constexpr const char* usual_interval = "2s";
/// Reading a file of 100,000 tasks takes about a tenth of this.
constexpr double shortest_interval_s = 0.5;
/// Rows of the table of failed points.
constexpr int most_failed_points = 20;

struct status_arguments {
  std::string target;
  std::string interval;  ///< Of --watch, if it has one.
  bool watch = false;
  bool json = false;
};

/// The sweep file that the argument means, if it is there: itself, or that of a run's directory.
std::optional<std::filesystem::path> find_sweep_file(const std::string& target) {
  std::error_code failure;
  const std::filesystem::path file =
      std::filesystem::is_directory(target, failure) ? run_directory{target}.sweep() : std::filesystem::path(target);
  return std::filesystem::exists(file, failure) ? std::optional(file) : std::nullopt;
}

std::filesystem::path sweep_file_of(const std::string& target) {
  if (const auto file = find_sweep_file(target)) {
    return *file;
  }
  std::error_code failure;
  if (std::filesystem::exists(target, failure)) {
    throw input_error("'" + target + "' holds no sweep.h5: not a directory of `spikesweep run`, or nothing has begun");
  }
  throw input_error("'" + target + "' does not exist");
}

bool is_number(const std::string& text) {
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  return error == std::errc() && rest == end;
}

/// Seconds, with or without a unit. Throws input_error.
double interval_of(const std::string& text) {
  const double seconds = parse_duration(text.empty() ? usual_interval : is_number(text) ? text + "s" : text);
  if (seconds < shortest_interval_s) {
    throw input_error(fmt::format("'--watch {}' is too often; at least {} s", text, shortest_interval_s));
  }
  return seconds;
}

/// `--watch FILE` names no interval: the option took what was meant as the file.
void sort_out(status_arguments& arguments) {
  if (arguments.target.empty()) {
    std::swap(arguments.target, arguments.interval);
  }
  if (arguments.target.empty()) {
    throw input_error("name a sweep file or the directory of a run");
  }
}

exit_code execute(const status_arguments& arguments) {
  if (arguments.watch) {
    watch_status(
        arguments.target, [&] { return find_sweep_file(arguments.target); }, interval_of(arguments.interval),
        arguments.json);
    return exit_code::done;
  }
  const std::filesystem::path file = sweep_file_of(arguments.target);
  const sweep_status status = read_status(file);
  if (arguments.json) {
    std::cout << status_json(file, status) << '\n';
  } else {
    print_status(std::cout, file, status, most_failed_points);
  }
  return exit_code::done;
}

}  // namespace

void add_status_command(CLI::App& app, command_context& context) {
  CLI::App* command = app.add_subcommand("status", "say what of a sweep is done, failed and left");
  const auto arguments = std::make_shared<status_arguments>();
  command->add_option("FILE", arguments->target, "sweep file, or directory of a run")->type_name("FILE.h5|DIR");
  command->add_flag("--json", arguments->json, "print one JSON object, with every point");
  const CLI::Option* watch =
      command
          ->add_option("--watch", arguments->interval,
                       "show it again and again until the sweep is over; Ctrl-C ends it; without SECONDS every 2 s")
          ->expected(0, 1)
          ->type_name("[SECONDS]");
  command->callback([&context, arguments, watch] {
    arguments->watch = watch->count() > 0;
    sort_out(*arguments);
    execute_on_rank_0(context, [arguments] { return execute(*arguments); });
  });
}

}  // namespace spikesweep
