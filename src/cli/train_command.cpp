#include "train_command.hpp"

#include <algorithm>
#include <iostream>
#include <memory>
#include <system_error>

#include <fmt/format.h>

#include <spikesweep/base/table.hpp>
#include <spikesweep/learning/trainer.hpp>
#include <spikesweep/store/sweep_file.hpp>
#include <spikesweep/surrogate/selection.hpp>
#include <spikesweep/sweep/communicate.hpp>
#include <spikesweep/sweep/interrupt.hpp>

#include "launch_report.hpp"

namespace spikesweep {

namespace {

struct train_arguments {
  std::string config;
  std::string data;
  std::string output;
  std::vector<std::string> overrides;
};

std::string progress_text(const epoch_record& epoch, int epochs) {
  return fmt::format("train: epoch {} of {}, loss {:.4g} (selection {:.4g}), {} an epoch", epoch.epoch, epochs,
                     epoch.train_counts + epoch.train_profile, epoch.selection_counts + epoch.selection_profile,
                     readable_duration(epoch.wall_s));
}

/// Throws input_error if the config describes another sweep than the file holds. A config without axes describes none.
void check_same_sweep(const configuration& config, const sweep_reader& file, const std::string& name) {
  if (config.design.axes.empty()) {
    return;
  }
  const auto wanted = canonical_settings(config, config_group::sweep);
  for (const auto& setting : wanted) {
    const auto& there = file.description().settings;
    if (std::find(there.begin(), there.end(), setting) == there.end()) {
      throw input_error(fmt::format("{}: key '{}' = {} differs from the sweep in {}; use the config of that sweep",
                                    config.source, setting.first, setting.second, name));
    }
  }
}

exit_code execute(const command_context& context, const train_arguments& arguments) {
  const configuration config = load_configuration(context, arguments.config, arguments.overrides);
  on_root(context.world, [&] {
    check_output_file(arguments.output);
    std::error_code failure;
    if (std::filesystem::equivalent(arguments.data, arguments.output, failure)) {
      throw input_error("-d and -o name the same file '" + arguments.output + "'");
    }
    check_same_sweep(config, sweep_reader(arguments.data), arguments.data);
  });
  report_launch(context.world);
  train_surrogate(context, config, arguments.data, arguments.output);
  if (context.root()) {
    text_table table({"", ""});
    table.add_row({"model", arguments.output});
    table.print(std::cout);
  }
  return exit_code::done;
}

void print_training(const model& m) {
  text_table table({"epoch", "error of E rate [%]", "error of I rate [%]", ""});
  for (const candidate_record& candidate : m.candidates) {
    table.add_row({std::to_string(candidate.epoch), readable(100 * candidate.error_E),
                   readable(100 * candidate.error_I), candidate.chosen ? "chosen" : ""});
  }
  table.print(std::cout);
}

}  // namespace

void train_surrogate(const command_context& context, const configuration& config,
                     const std::filesystem::path& sweep_file, const std::filesystem::path& model_file) {
  const interrupt_guard guard;
  model m;
  const training_data data = [&] {
    const sweep_reader reader(sweep_file);
    return load_training_data(context.world, reader, config.learning.shards, m);
  }();
  m.data_file = sweep_file.string();
  m.config_text = config.text;
  prepare_networks(m, config.learning);

  progress_line line(context.progress());
  training_options options;
  options.settings = config.learning;
  options.score = closed_loop_selection(context.world, data.selection_points, config.learning);
  options.checkpoint = model_file.string() + ".checkpoint";
  for (const auto& [key, value] : canonical_settings(config, config_group::sweep)) {
    options.identity += fmt::format("{}={} ", key, value);
  }
  std::string last;
  options.progress = [&](const epoch_record& epoch, int epochs) {
    last = progress_text(epoch, epochs);
    line.update(last);
  };
  options.interrupted = [] { return interrupted(); };
  train(context.world, data, options, m);
  line.finish(last.empty() ? "train: every epoch was done already" : last);
  on_root(context.world, [&] {
    save_model(model_file, m);
    std::error_code ignored;
    std::filesystem::remove(options.checkpoint, ignored);  // The training is over; the model holds its outcome.
    print_training(m);
  });
}

void add_train_command(CLI::App& app, command_context& context) {
  CLI::App* command = app.add_subcommand("train", "train a surrogate on a sweep file, on all ranks, or resume");
  const auto arguments = std::make_shared<train_arguments>();
  add_config_argument(*command, arguments->config);
  command->add_option("-d,--data", arguments->data, "sweep file to learn from")->required()->type_name("FILE.h5");
  command->add_option("-o,--output", arguments->output, "model file; its checkpoint stands beside it")
      ->required()
      ->type_name("MODEL.h5");
  add_set_option(*command, arguments->overrides, "override a config key");
  command->callback(
      [&context, arguments] { context.execute = [&context, arguments] { return execute(context, *arguments); }; });
}

}  // namespace spikesweep
