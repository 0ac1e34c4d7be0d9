#include <algorithm>
#include <array>
#include <chrono>
#include <fstream>
#include <initializer_list>
#include <iostream>
#include <iterator>
#include <memory>
#include <optional>
#include <sstream>
#include <system_error>

#include <unistd.h>

#include <fmt/format.h>

#include <spikesweep/base/json.hpp>
#include <spikesweep/learning/trainer.hpp>
#include <spikesweep/parallel/collective.hpp>
#include <spikesweep/parallel/interrupt.hpp>
#include <spikesweep/parallel/launch_report.hpp>
#include <spikesweep/store/atomic_file.hpp>
#include <spikesweep/store/file_lock.hpp>
#include <spikesweep/study/refine.hpp>
#include <spikesweep/study/report.hpp>
#include <spikesweep/study/run_directory.hpp>

#include "train_command.hpp"
#include "validate_command.hpp"
#include "validation_text.hpp"

namespace spikesweep {

namespace {

struct run_arguments {
  std::string config = "quickstart";
  std::string output;
  std::vector<std::string> overrides;
  sweep_flags flags;
  std::optional<int> refine;  ///< Rounds, if given.
};

/// Wall times of the steps of this call [s]; nothing for a step that had been done before.
using step_times = std::vector<std::pair<std::string, double>>;

/// A step may be done several times, in rounds of refining.
void add_time(step_times& times, const std::string& name, double seconds) {
  const auto known = std::ranges::find(times, name, &step_times::value_type::first);
  if (known == times.end()) {
    times.emplace_back(name, seconds);
  } else {
    known->second += seconds;
  }
}

void write_text(const std::filesystem::path& path, const std::string& text) {
  write_then_rename(path, [&](const std::filesystem::path& temporary) {
    std::ofstream stream(temporary, std::ios::binary);
    if (!(stream << text).flush()) {
      throw environment_error("cannot write " + path.string());
    }
  });
}

/// The text of a file; empty if there is none.
std::string read_text(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

void make_directory(const run_directory& directory) {
  std::error_code failure;
  std::filesystem::create_directories(directory.path, failure);
  if (failure && !std::filesystem::is_directory(directory.path)) {
    throw input_error("output directory '" + directory.path.string() + "' cannot be made: " + failure.message());
  }
}

/// The settings that decide a step's result, as the text of a file beside that result: equal texts, equal results.
std::string settings_text(const configuration& config, std::initializer_list<config_group> groups) {
  std::string text;
  for (const config_group group : groups) {
    for (const auto& [key, value] : canonical_settings(config, group)) {
      text += fmt::format("{} = {}\n", key, value);
    }
  }
  return text;
}

/// Whether a step's result is there, from the same settings, and not older than what it was made from.
bool is_done(const std::filesystem::path& result, const std::filesystem::path& from, const std::string& settings) {
  std::error_code failure;
  if (!std::filesystem::exists(result, failure) || !std::filesystem::exists(from, failure) ||
      std::filesystem::last_write_time(result, failure) < std::filesystem::last_write_time(from, failure)) {
    return false;
  }
  return read_text(run_directory::settings_of(result)) == settings;
}

/// A training that was interrupted before the sweep file last changed has learnt from other data.
void drop_stale_checkpoints(const run_directory& directory) {
  for (const std::filesystem::path& checkpoint : directory.checkpoints()) {
    std::error_code failure;
    const auto saved = std::filesystem::last_write_time(checkpoint, failure);
    if (!failure && saved < std::filesystem::last_write_time(directory.sweep())) {
      log_info("train: starts afresh, the sweep has changed since " + checkpoint.string());
      std::filesystem::remove(checkpoint);
    }
  }
}

/// Runs a step unless it is done; true if it ran. Collective.
template <class Step>
bool step(const command_context& context, const std::string& name, const std::filesystem::path& result,
          const std::filesystem::path& from, const std::string& settings, step_times& times, Step run) {
  if (on_root(context.job.world, [&] { return is_done(result, from, settings); })) {
    log_info(fmt::format("{}: {} is there already", name, result.string()));
    return false;
  }
  const auto begin = std::chrono::steady_clock::now();
  run();
  on_root(context.job.world, [&] { write_text(run_directory::settings_of(result), settings); });
  add_time(times, name, std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  return true;
}

void write_run_record(const command_context& context, const run_directory& directory, const std::string& command,
                      const step_times& times) {
  std::array<char, 256> host{};
  gethostname(host.data(), host.size() - 1);
  json_object wall;
  for (const auto& [name, seconds] : times) {
    wall.add(name, seconds);
  }
  json_object record;
  record.add("command", command).add("host", host.data()).add("ranks", context.job.world.size());
  record.add("version", SPIKESWEEP_VERSION).add("wall_s", wall);
  write_text(directory.record(), record.text() + '\n');
}

exit_code execute(const command_context& context, const run_arguments& arguments) {
  std::vector<std::string> overrides = arguments.overrides;
  if (arguments.refine) {
    overrides.push_back(fmt::format("design.refine_rounds={}", *arguments.refine));
  }
  const configuration config = load_configuration(context.job.world, arguments.config, overrides);
  if (config.design.test_points == 0 && config.design.test_at.empty()) {
    throw input_error(config.source +
                      ": key 'design.test_points' = 0 leaves nothing to validate at; allowed: at least 1, or points in "
                      "'design.test_at'");
  }
  check_precision(context, config);
  const interrupt_guard guard;  // Also between the steps.
  const run_directory directory{arguments.output};
  sweep_flags flags = resolved(arguments.flags);
  sweep_description description = describe_sweep(config, directory.sweep(), flags);
  std::optional<file_lock> lock;  // Of the steps after the sweep, which has a lock of its own.
  on_root(context.job.world, [&] {
    make_directory(directory);
    lock.emplace(directory.path / "");
  });
  report_launch(context.job.world);

  step_times times;
  sweep_outcome swept;
  for (;;) {
    swept = sweep_with_progress(context.job, directory.sweep(), description, flags, directory.made_from_sweep());
    if (swept.interrupted) {
      return exit_code::interrupted;
    }
    add_time(times, "sweep", swept.wall_s);
    on_root(context.job.world, [&] {
      write_text(directory.config(), config.text);
      drop_stale_checkpoints(directory);
    });
    const std::string learnt = settings_text(config, {config_group::sweep, config_group::learning});
    step(context, "train", directory.model(), directory.sweep(), learnt, times,
         [&] { train_surrogate(context, config, directory.sweep(), directory.model()); });
    if (rounds_of(description.points) >= config.refine.rounds) {
      break;
    }
    const auto begin = std::chrono::steady_clock::now();
    add_round(context.job, config, directory.model(), description);
    add_time(times, "refine", std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
    flags.fresh = flags.retry_failed = false;
    flags.extend = true;
  }
  const std::string validated =
      settings_text(config, {config_group::sweep, config_group::learning, config_group::validation});
  const bool ran = step(context, "validate", directory.validation(), directory.model(), validated, times, [&] {
    const validation_result result =
        validate_surrogate(context, config, directory.sweep(), directory.model(), directory.validation());
    on_root(context.job.world, [&] {
      std::ostringstream table;
      print_validation(result, table);
      write_text(directory.table(), table.str());
    });
  });
  on_root(context.job.world, [&] {
    if (ran) {
      write_run_record(context, directory, fmt::format("spikesweep run {} -o {}", arguments.config, arguments.output),
                       times);
    }
    log_info("report: drawing");
    write_report(directory.path);
    std::cout << read_text(directory.table()) << "report: " << directory.report().string() << '\n';
  });
  return exit_code_of(swept);
}

}  // namespace

void add_run_command(CLI::App& app, command_context& context) {
  CLI::App* command = app.add_subcommand("run", "sweep, train, validate and report; the same command resumes");
  const auto arguments = std::make_shared<run_arguments>();
  command->add_option("CONFIG", arguments->config, "config file, or the name of a built-in one")->capture_default_str();
  command->add_option("-o,--output", arguments->output, "directory for the results; resumed if it is there")
      ->required()
      ->type_name("DIR");
  add_set_option(*command, arguments->overrides, "override a config key");
  add_sweep_flags(*command, arguments->flags);
  command
      ->add_option(
          "--refine", arguments->refine,
          "rounds of training points, which tell most about what the members of the ensemble disagree on; sets "
          "design.refine_rounds")
      ->type_name("ROUNDS");
  command->callback(
      [&context, arguments] { context.execute = [&context, arguments] { return execute(context, *arguments); }; });
}

}  // namespace spikesweep
