#include <algorithm>
#include <cctype>
#include <iostream>
#include <memory>
#include <optional>
#include <string_view>

#include <fmt/format.h>

#include <spikesweep/parallel/collective.hpp>
#include <spikesweep/store/text_file.hpp>
#include <spikesweep/study/run_directory.hpp>
#include <spikesweep/study/run_study.hpp>
#include <spikesweep/study/training_text.hpp>
#include <spikesweep/surrogate/validation.hpp>

#include "commands.hpp"
#include "sweep_options.hpp"

namespace spikesweep {

namespace {

struct run_arguments {
  std::string config = "quickstart";
  std::string output;
  std::vector<std::string> overrides;
  sweep_flags flags;
  std::optional<int> refine;  ///< Rounds, if given.
};

/// A word as a shell takes it.
std::string quoted(const std::string& word) {
  const bool plain = !word.empty() && std::ranges::all_of(word, [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
           std::string_view("_-./=,:+").find(c) != std::string_view::npos;
  });
  if (plain) {
    return word;
  }
  std::string text = "'";
  for (const char c : word) {
    text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  }
  return text + '\'';
}

/// The command, as it makes the same run again.
std::string command_text(const run_arguments& arguments) {
  std::string text = fmt::format("spikesweep run {} -o {}", quoted(arguments.config), quoted(arguments.output));
  for (const std::string& assignment : arguments.overrides) {
    text += " --set " + quoted(assignment);
  }
  if (arguments.refine) {
    text += fmt::format(" --refine {}", *arguments.refine);
  }
  const sweep_flags& flags = arguments.flags;
  return text + (flags.fresh ? " --fresh" : "") + (flags.extend ? " --extend" : "") +
         (flags.retry_failed ? " --retry-failed" : "") +
         (flags.grace == sweep_flags().grace ? "" : " --grace " + quoted(flags.grace));
}

exit_code execute(const rank_context& job, const run_arguments& arguments) {
  std::vector<std::string> overrides = arguments.overrides;
  if (arguments.refine) {
    overrides.push_back(fmt::format("design.refine_rounds={}", *arguments.refine));
  }
  const configuration config = load_configuration(job.world, arguments.config, overrides);
  study_hooks hooks;
  hooks.trained = [](const model& m) { print_training(m, std::cout); };
  const std::string command = command_text(arguments);
  const sweep_outcome swept = run_study(job, config, arguments.output, arguments.flags, command, hooks);
  if (job.root() && !swept.interrupted) {
    const run_directory directory{arguments.output};
    std::cout << find_validation_table(directory.validation()).value_or(find_text(directory.table()).value_or(""));
    std::error_code unknown;
    if (std::filesystem::exists(directory.report(), unknown)) {
      std::cout << "report: " << directory.report().string() << '\n';
    }
  }
  return exit_code_of(swept);
}

}  // namespace

command_action run_command(const command_options& options) {
  const auto arguments = std::make_shared<run_arguments>();
  options.text("CONFIG", arguments->config, "config file, or the name of a built-in config").show_default();
  options.text("-o,--output", arguments->output, "directory for the results; resumed if it exists")
      .required()
      .value_name("DIR");
  options.set(arguments->overrides, "override a config key");
  add_sweep_options(options, arguments->flags);
  options
      .number("--refine", arguments->refine,
              "rounds that add training points where the members of the ensemble disagree most; sets "
              "design.refine_rounds")
      .value_name("ROUNDS");
  return on_all_ranks([arguments](const rank_context& job) { return execute(job, *arguments); });
}

}  // namespace spikesweep
