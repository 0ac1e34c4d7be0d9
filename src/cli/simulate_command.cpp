#include <iostream>
#include <memory>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <spikesweep/base/json_text.hpp>
#include <spikesweep/base/log.hpp>
#include <spikesweep/base/table.hpp>
#include <spikesweep/store/file_format.hpp>
#include <spikesweep/store/file_lock.hpp>
#include <spikesweep/store/spike_file.hpp>
#include <spikesweep/study/figure_text.hpp>
#include <spikesweep/study/simulate_step.hpp>

#include "commands.hpp"

namespace spikesweep {

namespace {

struct simulate_arguments {
  std::string config;
  std::vector<std::string> overrides;
  double duration_s = 0;
  std::string output;
  std::string peak_band;
  int replicates = 1;
  bool json = false;
};

std::size_t spikes_of(const simulation_result& run) {
  std::size_t sum = 0;
  for (const trajectory& one : run.runs) {
    sum += one.raster.size();
  }
  return sum;
}

void print_simulation_json(const configuration& config, const simulation_result& run, double duration,
                           const frequency_band& band) {
  const auto replicates = static_cast<double>(run.runs.size());
  const double begin = config.sampling.burn_in_s;
  nlohmann::ordered_json object;
  add_figures(object, spike_figures(), run.figures, run.errors, band);
  object["simulated_s"] = replicates * duration;
  object["burn_in_s"] = begin;
  object["wall_s"] = run.wall_s;
  object["realtime_factor"] = replicates * (begin + duration) / run.wall_s;
  object["events"] = run.events;
  object["spikes"] = spikes_of(run);
  object["seed"] = config.seed;
  object["replicates"] = run.runs.size();
  auto& network = object["network"];
  for (const parameter_info& info : parameter_table()) {
    network[info.name] = get_parameter(config.network, info);
  }
  network["inhibition"] = name_of(config.network.inhibition);
  network["model"] = name_of(config.network.model);
  object["simulator"] = name_of(config.sampling.simulation.simulator);
  std::cout << json_text(object) << '\n';
}

void print_simulation_table(const configuration& config, const simulation_result& run, double duration) {
  const auto replicates = static_cast<double>(run.runs.size());
  text_table table({"", "", "", ""});
  if (run.runs.size() > 1) {
    table.add_row({"replicates", std::to_string(run.runs.size()), "", ""});
  }
  table.add_row({"duration", readable(duration), "s", ""});
  add_figure_rows(table, spike_figures(), run.figures, run.errors);
  const double simulated_s = replicates * (config.sampling.burn_in_s + duration);
  table.add_row({"simulated over wall time", readable(simulated_s / run.wall_s), "", ""});
  table.add_row({"time per event", readable(1e9 * run.wall_s / static_cast<double>(run.events)), "ns", ""});
  table.print(std::cout);
}

void save(const configuration& config, simulation_result&& run, const simulate_arguments& arguments) {
  spike_train train{config.network, config.sampling.burn_in_s, arguments.duration_s, config.seed, config.text, {}, {}};
  for (std::size_t r = 0; r < run.runs.size(); ++r) {
    const std::vector<spike_record>& spikes = run.runs[r].raster;
    train.spikes.insert(train.spikes.end(), spikes.begin(), spikes.end());
    if (arguments.replicates > 1) {
      train.replicate.insert(train.replicate.end(), spikes.size(), static_cast<std::int32_t>(r));
    }
    run.runs[r] = trajectory();  // Gives the memory back.
  }
  save_spikes(arguments.output, train);
}

exit_code execute(const rank_context& job, const simulate_arguments& arguments) {
  const configuration config = load_configuration(arguments.config, arguments.overrides);
  frequency_band band = config.validation.peak_band();
  if (arguments.peak_band.empty()) {
    check_peak_band(band, figure_settings().bin_s, "validation.peak_lowest_hz, validation.peak_highest_hz");
  } else {
    band = parse_peak_band(arguments.peak_band);
  }
  std::optional<file_lock> lock;
  if (!arguments.output.empty()) {
    check_output(arguments.output, spikes_format);
    lock.emplace(arguments.output);
  }
  simulation_result run = simulate_network(job, config, arguments.duration_s, arguments.replicates, band);
  if (arguments.json) {
    print_simulation_json(config, run, arguments.duration_s, band);
  } else {
    print_simulation_table(config, run, arguments.duration_s);
  }
  if (const std::string note = short_run_note(spike_figures(), arguments.replicates, arguments.duration_s);
      !note.empty()) {
    log_info(note);
  }
  if (const std::string doubt = peak_warning(run.figures, band); !doubt.empty()) {
    log_warning(doubt);
  }
  if (!arguments.output.empty()) {
    save(config, std::move(run), arguments);
  }
  return exit_code::done;
}

}  // namespace

command_action simulate_command(const command_options& options) {
  constexpr int most_replicates = 1000000;
  const auto arguments = std::make_shared<simulate_arguments>();
  options.config(arguments->config);
  options.set(arguments->overrides, "override a config key, such as S_EE=4.1");
  options.time("--duration", arguments->duration_s, "simulated time after the burn-in, such as 5s or 500ms").required();
  options
      .number("--replicates", arguments->replicates,
              "independent runs of the network; side by side, if its simulator is lockstep")
      .between(1, most_replicates)
      .value_name("N");
  options.text("-o,--output", arguments->output, "write the spikes to this file").value_name("FILE.h5");
  options
      .text("--peak-band", arguments->peak_band,
            "frequencies in Hz between which the spectral peak is sought; default: those of the config, 20,120")
      .value_name("LOW,HIGH");
  options.flag("--json", arguments->json, "print one JSON object");
  command_action action = on_rank_0([arguments](const rank_context& job) { return execute(job, *arguments); });
  action.output = [arguments] { return arguments->output; };
  return action;
}

}  // namespace spikesweep
