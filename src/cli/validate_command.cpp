#include <filesystem>
#include <iostream>
#include <memory>

#include <spikesweep/parallel/collective.hpp>
#include <spikesweep/parallel/launch_report.hpp>
#include <spikesweep/store/file_format.hpp>
#include <spikesweep/study/grown_sweep.hpp>
#include <spikesweep/study/sweep_target.hpp>
#include <spikesweep/study/train_step.hpp>
#include <spikesweep/study/validate_step.hpp>
#include <spikesweep/study/validation_text.hpp>

#include "commands.hpp"

namespace spikesweep {

namespace {

struct validate_arguments {
  std::string config;
  std::string data;
  std::string model;
  std::string output;
  std::vector<std::string> overrides;
  bool json = false;
};

/// Checks the files. Returns the name of the sweep file.
std::string check_files(const validate_arguments& arguments, const std::string& model) {
  check_output(arguments.output, validation_format);
  return arguments.data.empty() ? find_sweep_of(load_model(model), model).string() : arguments.data;
}

exit_code execute(const rank_context& job, const validate_arguments& arguments) {
  const configuration given = load_configuration(job.world, arguments.config, arguments.overrides);
  require_axes(given);
  const std::string model = model_file_of(arguments.model).string();
  const std::string data = on_root(job.world, [&] { return check_files(arguments, model); });
  // The result repeats the whole config. So it has to be that of the sweep, although only [validation] has an effect.
  const configuration config = config_of_sweep(job.world, given, data, {});
  on_root(job.world, [&] { check_same_sweep(config, data); });
  report_launch(job.world);
  const validation_result result = validate_surrogate(job, config, data, model, arguments.output);
  if (job.root()) {
    if (arguments.json) {
      std::cout << validation_json(result) << '\n';
    } else {
      print_validation(result, std::cout);
    }
  }
  return exit_code::done;
}

}  // namespace

command_action validate_command(const command_options& options) {
  const auto arguments = std::make_shared<validate_arguments>();
  options.config(arguments->config);
  options.text("-m,--model", arguments->model, "model file, or directory of a run")
      .required()
      .value_name("MODEL.h5|DIR");
  options.text("-o,--output", arguments->output, "file for the results").required().value_name("VALID.h5");
  options
      .text("-d,--data", arguments->data,
            "sweep file of the model; needed only if it is neither where it was nor beside the model")
      .value_name("FILE.h5");
  options.set(arguments->overrides, "override a config key");
  options.flag("--json", arguments->json, "print one JSON object");
  return on_all_ranks([arguments](const rank_context& job) { return execute(job, *arguments); });
}

}  // namespace spikesweep
