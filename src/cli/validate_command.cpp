#include "validate_command.hpp"

#include <iostream>
#include <memory>
#include <set>
#include <system_error>

#include <fmt/format.h>

#include <spikesweep/parallel/collective.hpp>
#include <spikesweep/parallel/interrupt.hpp>
#include <spikesweep/parallel/launch_report.hpp>
#include <spikesweep/study/published_figures.hpp>

#include "validation_text.hpp"

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

/// The test points whose tasks did not fail: where the network runs away there is nothing to compare with.
std::vector<validation_point> test_points(const sweep_reader& file) {
  std::set<std::uint32_t> failed;
  for (const task_record& record : file.records()) {
    if (record.state != task_state::pending && record.state != task_state::done) {
      failed.insert(record.point);
    }
  }
  const design& points = file.description().points;
  std::vector<validation_point> chosen;
  for (int i = 0; i < points.size(); ++i) {
    if (points.roles[static_cast<std::size_t>(i)] != point_role::test) {
      continue;
    }
    if (failed.contains(static_cast<std::uint32_t>(i))) {
      log_warning(fmt::format("test point {} failed in the sweep and is left out", i));
      continue;
    }
    const auto row = points.points.row(i);
    chosen.push_back({i, std::vector<double>(row.begin(), row.end())});
  }
  return chosen;
}

exit_code execute(const command_context& context, const validate_arguments& arguments) {
  const configuration config = load_configuration(context.job.world, arguments.config, arguments.overrides);
  require_axes(config);
  const std::string data = on_root(context.job.world, [&] {
    check_output_file(arguments.output);
    std::error_code failure;
    if (std::filesystem::equivalent(arguments.model, arguments.output, failure)) {
      throw input_error("-m and -o name the same file '" + arguments.output + "'");
    }
    return arguments.data.empty() ? load_model(arguments.model).data_file : arguments.data;
  });
  report_launch(context.job.world);
  const validation_result result = validate_surrogate(context, config, data, arguments.model, arguments.output);
  if (context.job.root()) {
    if (arguments.json) {
      std::cout << validation_json(result) << '\n';
    } else {
      print_validation(result, std::cout);
    }
  }
  return exit_code::done;
}

}  // namespace

validation_result validate_surrogate(const command_context& context, const configuration& config,
                                     const std::filesystem::path& sweep_file, const std::filesystem::path& model_file,
                                     const std::filesystem::path& output) {
  const interrupt_guard guard;
  const model m = load_model(model_file);
  const sweep_reader data(sweep_file);
  if (data.description().points.axes != m.space.axes) {
    throw input_error(sweep_file.string() + " sweeps other parameters than " + model_file.string() +
                      " was trained on; name the sweep file with -d");
  }
  const std::vector<validation_point> points = test_points(data);
  if (points.empty()) {
    throw input_error(sweep_file.string() +
                      " has no test points to validate at; set 'design.test_points' or 'design.test_at' for the sweep");
  }
  progress_line line(context.job.progress());
  const auto text = [](int done, int share) {
    return fmt::format("validate: {} of {} points of this rank", done, share);
  };
  validation_result result =
      validate_model(context.job.world, m, points, config.validation, config.validation.baselines ? &data : nullptr,
                     [&](int done, int share) { line.update(text(done, share)); });
  line.finish(fmt::format("validate: {} points done", points.size()));
  result.published = compare_with_published(context.job.world, m, data.description().points, result);
  result.calibration = calibrate(context.job.world, m, data, config.validation.seed);
  on_root(context.job.world, [&] { save_validation(output, result, m, model_file.string()); });
  return result;
}

void add_validate_command(CLI::App& app, command_context& context) {
  CLI::App* command = app.add_subcommand("validate", "compare a surrogate with exact runs at the held-out test points");
  const auto arguments = std::make_shared<validate_arguments>();
  add_config_argument(*command, arguments->config);
  command->add_option("-m,--model", arguments->model, "model file")->required()->type_name("MODEL.h5");
  command->add_option("-o,--output", arguments->output, "file for the results")->required()->type_name("VALID.h5");
  command->add_option("-d,--data", arguments->data, "sweep file of the model, if it has moved since")
      ->type_name("FILE.h5");
  add_set_option(*command, arguments->overrides, "override a config key");
  command->add_flag("--json", arguments->json, "print one JSON object");
  command->callback(
      [&context, arguments] { context.execute = [&context, arguments] { return execute(context, *arguments); }; });
}

}  // namespace spikesweep
