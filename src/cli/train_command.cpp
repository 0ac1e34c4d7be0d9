#include <cmath>
#include <filesystem>
#include <iostream>
#include <memory>
#include <system_error>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <spikesweep/base/json_text.hpp>
#include <spikesweep/base/table.hpp>
#include <spikesweep/parallel/collective.hpp>
#include <spikesweep/parallel/launch_report.hpp>
#include <spikesweep/store/file_format.hpp>
#include <spikesweep/study/grown_sweep.hpp>
#include <spikesweep/study/learning_rate_step.hpp>
#include <spikesweep/study/train_step.hpp>
#include <spikesweep/study/training_text.hpp>

#include "commands.hpp"

namespace spikesweep {

namespace {

struct train_arguments {
  std::string config;
  std::string data;
  std::string output;
  std::vector<std::string> overrides;
  bool find_learning_rate = false;
  bool json = false;
};

/// The table shows every n-th update. JSON and CSV hold all of them.
constexpr std::size_t updates_per_row = 10;

void print_range_test_json(const range_test_result& result) {
  for (const range_test_step& s : result.steps) {
    std::cout << json_text({{"step", s.step},
                            {"learning_rate", s.learning_rate},
                            {"counts", s.counts},
                            {"profile", s.profile},
                            {"smoothed", s.smoothed}})
              << '\n';
  }
  std::cout << json_text({{"end", name_of(result.end)},
                          {"steps", result.steps.size()},
                          {"suggestion", result.suggestion.value_or(std::nan(""))},
                          {"best_rate", result.best_rate}})
            << '\n';
}

std::string reason_of(range_test_end end) {
  switch (end) {
    case range_test_end::exploded:
      return "the loss exploded";
    case range_test_end::not_finite:
      return "a gradient was no longer finite";
    case range_test_end::highest_rate:
      break;
  }
  return "the highest rate was reached";
}

void print_range_test_table(const range_test_result& result) {
  text_table table({"learning rate", "counts loss [nat]", "profile loss [nat]", "sum, smoothed [nat]"});
  for (std::size_t i = 0; i < result.steps.size(); ++i) {
    if (i % updates_per_row == 0 || i + 1 == result.steps.size()) {
      const range_test_step& s = result.steps[i];
      table.add_row(
          {fmt::format("{:.2e}", s.learning_rate), readable(s.counts), readable(s.profile), readable(s.smoothed)});
    }
  }
  table.print(std::cout);
  std::cout << fmt::format("ended after {} updates: {}\n", result.steps.size(), reason_of(result.end));
  if (result.suggestion) {
    std::cout << fmt::format(
        "suggestion: learning.learning_rate = {:.1e}, where the loss falls most steeply; it is lowest at {:.1e}\n",
        *result.suggestion, result.best_rate);
  } else {
    std::cout << "no suggestion: the loss did not fall at any rate\n";
  }
}

void check_files(const train_arguments& arguments) {
  if (arguments.find_learning_rate) {
    check_range_test_output(arguments.output);
  } else if (arguments.output.empty()) {
    throw input_error("train needs -o MODEL.h5, the file for the model, or --find-lr");
  }
  if (!arguments.find_learning_rate) {
    check_output(arguments.output, model_format);
  }
}

exit_code execute(const rank_context& job, const train_arguments& arguments) {
  const configuration given = load_configuration(job.world, arguments.config, arguments.overrides);
  check_precision(job, given);
  on_root(job.world, [&] { check_files(arguments); });
  const configuration config = config_of_sweep(job.world, given, arguments.data, {});
  on_root(job.world, [&] { check_same_sweep(config, arguments.data); });
  report_launch(job.world);
  if (arguments.find_learning_rate) {
    const range_test_result result = find_learning_rate(job, config, arguments.data, arguments.output);
    if (job.root()) {
      (arguments.json ? print_range_test_json : print_range_test_table)(result);
    }
    return exit_code::done;
  }
  const model m = train_surrogate(job, config, arguments.data, arguments.output);
  if (job.root()) {
    print_training(m, std::cout);
    text_table table({"", ""});
    table.add_row({"model", arguments.output});
    table.print(std::cout);
  }
  return exit_code::done;
}

}  // namespace

command_action train_command(const command_options& options) {
  const auto arguments = std::make_shared<train_arguments>();
  options.config(arguments->config);
  options.text("-d,--data", arguments->data, "sweep file to learn from").required().value_name("FILE.h5");
  options
      .text("-o,--output", arguments->output,
            "model file, with its checkpoints beside it; with --find-lr, a file for the table")
      .value_name("MODEL.h5|TABLE.csv");
  const command_option find =
      options.flag("--find-lr", arguments->find_learning_rate,
                   "train no model: raise the learning rate with every update until the loss explodes, and suggest a "
                   "learning rate");
  options
      .flag("--json", arguments->json,
            "with --find-lr: print one JSON object per update, and a last one with the suggestion")
      .needs(find);
  options.set(arguments->overrides, "override a config key");
  return on_all_ranks([arguments](const rank_context& job) { return execute(job, *arguments); });
}

}  // namespace spikesweep
