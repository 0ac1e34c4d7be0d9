#include <algorithm>
#include <iostream>
#include <memory>

#include <spikesweep/base/log.hpp>
#include <spikesweep/study/figure_text.hpp>
#include <spikesweep/study/predict_step.hpp>
#include <spikesweep/study/prediction_text.hpp>
#include <spikesweep/study/sweep_target.hpp>

#include "commands.hpp"

namespace spikesweep {

namespace {

struct predict_arguments {
  predict_request request;
  double duration_s = 0;
  int chains = 1;
  int replicates = 1;
  double raster_s = 1;
  std::string peak_band;
  bool json = false;
  bool csv = false;
};

predict_request complete(const predict_arguments& arguments) {
  predict_request request = arguments.request;
  request.model = model_file_of(request.model).string();
  prediction_settings& settings = request.settings;
  settings.keep_samples = !request.output.empty();
  if (!arguments.peak_band.empty()) {
    settings.peak_band = parse_peak_band(arguments.peak_band, settings.run.bin_s);
  }
  if (request.many()) {
    settings.replicates = arguments.replicates;
    settings.run.duration_s = arguments.duration_s;
    settings.run.raster_s = settings.keep_samples ? std::min(arguments.raster_s, arguments.duration_s) : 0;
  } else {
    settings.replicates = arguments.chains;
    settings.run.duration_s = arguments.duration_s / arguments.chains;
    settings.run.raster_s = settings.keep_samples ? settings.run.duration_s : 0;
    settings.spread = false;
  }
  return request;
}

/// Prints what the regressions of the figures say.
exit_code ask_emulator(const rank_context& job, const predict_arguments& arguments) {
  if (!job.root()) {
    return exit_code::done;
  }
  predict_request request = arguments.request;
  request.model = model_file_of(request.model).string();
  const model m = load_model(request.model);
  const std::vector<emulated_point> points = emulate_points(m, request);
  if (arguments.json) {
    print_emulated_json(m, points, std::cout);
  } else if (arguments.csv) {
    print_emulated_csv(m, points, std::cout);
  } else {
    print_emulated(m, points, std::cout);
  }
  return exit_code::done;
}

exit_code execute(const rank_context& job, const predict_arguments& arguments) {
  const predict_request request = complete(arguments);
  const model m = request.many() ? load_model(job.world, request.model) : load_model(request.model);
  const std::vector<point_prediction> points = predict(job, m, request);
  if (points.empty()) {
    return exit_code::done;  // Rank 0 prints.
  }
  if (!request.many()) {
    if (arguments.json) {
      std::cout << prediction_json(m, points.front(), arguments.duration_s, request.settings.peak_band) << '\n';
    } else {
      print_prediction(m, points.front(), arguments.duration_s, std::cout);
    }
  } else if (arguments.json) {
    print_json_lines(m, points, request.settings, std::cout);
  } else if (arguments.csv) {
    print_csv(m, points, std::cout);
  } else {
    print_predictions(m, points, std::cout);
  }
  const prediction_settings& settings = request.settings;
  if (const std::string note = short_run_note(predicted_figures(), settings.replicates, settings.run.duration_s);
      !note.empty()) {
    log_info(note);
  }
  return exit_code::done;
}

/// Returns those that mean nothing of one point.
std::vector<command_option> add_options_of_many(const command_options& options, predict_arguments& arguments,
                                                command_option json, command_option chains) {
  constexpr int most = 1000000;
  const command_option points =
      options
          .text("--points", arguments.request.points,
                "predict at every point of a CSV file whose header names axes; under mpirun on all ranks")
          .value_name("FILE.csv")
          .excludes(chains);
  options
      .number(
          "--design", arguments.request.design,
          "predict at this many points of a Sobol sequence over the trained range; axes that --set names stay fixed")
      .between(1, most)
      .excludes(points)
      .excludes(chains);
  const command_option replicates =
      options.number("--replicates", arguments.replicates, "independent runs at each of many points")
          .between(1, most)
          .show_default();
  const command_option csv = options.flag("--csv", arguments.csv, "print many points as CSV").excludes(json);
  const command_option raster = options.time("--raster", arguments.raster_s,
                                             "time whose spikes are written, for each of many points; default 1s");
  return {replicates, csv, raster};
}

}  // namespace

command_action predict_command(const command_options& options) {
  const auto arguments = std::make_shared<predict_arguments>();
  predict_request& request = arguments->request;
  options.text("-m,--model", request.model, "model file, or directory of a run").required().value_name("MODEL.h5|DIR");
  options.set(request.overrides,
              "value of a swept parameter, such as S_EE=4.1; the others stay in the middle of their trained range");
  const command_option duration =
      options.time("--duration", arguments->duration_s,
                   "simulated time, such as 10s or 500ms; for many points, the time of each replicate");
  const command_option output = options
                                    .text("-o,--output", request.output,
                                          "write the spikes of the first chain, with drawn neurons; for many points "
                                          "write figures, spectra, phases, "
                                          "return map and rasters")
                                    .value_name("FILE.h5");
  const command_option json =
      options.flag("--json", arguments->json, "print one JSON object; for many points, one per line");
  const command_option chains =
      options.number("--chains", arguments->chains, "independent runs that share the simulated time")
          .between(1, 1024)
          .show_default();
  const auto of_many = add_options_of_many(options, *arguments, json, chains);
  const command_option numbers = options.choice(
      "--precision", {std::string(name_of(precision::fp32)), std::string(name_of(precision::bf16))},
      [arguments](const std::string& name) {
        arguments->request.settings.numbers = name == name_of(precision::bf16) ? precision::bf16 : precision::fp32;
      },
      "number format of the products: fp32 (default), or bf16, which is faster on CPUs with AVX512-BF16");
  const command_option seed =
      options.seed("--seed", request.settings.seed,
                   "seed of the random numbers; default: that of the training. Other seeds give independent runs");
  const command_option peak_band =
      options
          .text("--peak-band", arguments->peak_band,
                "frequencies in Hz between which the spectral peak is sought; default 20,120")
          .value_name("LOW,HIGH");
  const command_option hybrid =
      options.flag("--hybrid", request.settings.hybrid,
                   "simulate the network exactly in quiet phases; for models of section mfe or volley");
  options.flag("--extrapolate", request.extrapolate, "predict outside the trained range, too");
  const command_option emulator = options.flag(
      "--emulator", request.emulator,
      "run nothing: ask a regression of each figure itself, fitted to the figures that the sweep measured");
  for (const command_option& of_runs :
       {duration, output, chains, of_many[0], of_many[2], numbers, seed, peak_band, hybrid}) {
    emulator.excludes(of_runs);
  }
  return {[arguments, of_many, duration](const rank_context& job) {
            if (!duration.given() && !arguments->request.emulator) {
              throw input_error("--duration is required");
            }
            for (const command_option& option : of_many) {
              if (option.given() && !arguments->request.many()) {
                throw input_error(option.name() + " needs --points or --design");
              }
            }
            return arguments->request.emulator ? ask_emulator(job, *arguments) : execute(job, *arguments);
          },
          [arguments] { return !arguments->request.many(); }, true, [arguments] { return arguments->request.output; }};
}

}  // namespace spikesweep
