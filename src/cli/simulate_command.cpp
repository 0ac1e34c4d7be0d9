#include <cmath>
#include <iostream>
#include <memory>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <spikesweep/base/json_text.hpp>
#include <spikesweep/base/table.hpp>
#include <spikesweep/store/file_format.hpp>
#include <spikesweep/store/file_lock.hpp>
#include <spikesweep/store/spike_file.hpp>
#include <spikesweep/study/simulate_step.hpp>

#include "commands.hpp"

namespace spikesweep {

namespace {

struct simulate_arguments {
  std::string config;
  std::vector<std::string> overrides;
  double duration_s = 0;
  std::string output;
  int replicates = 1;
  bool json = false;
};

/// A figure over the replicates.
struct estimate {
  double mean;
  double error;  ///< Standard error; NaN for one replicate.
};

estimate over(const std::vector<run_figures>& each, const figure& f) {
  std::vector<double> values;
  for (const run_figures& one : each) {
    values.push_back(one[f]);
  }
  const double m = mean(values);
  const double deviation = m == 0 ? standard_deviation(values) : m * coefficient_of_variation(values);
  return {m, deviation / std::sqrt(static_cast<double>(values.size()))};
}

void print_simulation_json(const configuration& config, const simulation_result& run, double duration) {
  const auto replicates = static_cast<double>(run.each.size());
  const double begin = config.sampling.burn_in_s;
  nlohmann::ordered_json object;
  nlohmann::ordered_json errors;
  for (const figure& f : spike_figures()) {
    const estimate e = over(run.each, f);
    object[f.name] = e.mean;
    errors[f.name] = e.error;
  }
  object["simulated_s"] = replicates * duration;
  object["burn_in_s"] = begin;
  object["wall_s"] = run.wall_s;
  object["realtime_factor"] = replicates * (begin + duration) / run.wall_s;
  object["events"] = run.events;
  object["spikes"] = run.spikes.size();
  object["seed"] = config.seed;
  object["replicates"] = run.each.size();
  if (run.each.size() > 1) {
    object["standard_errors"] = errors;
  }
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
  const bool many = run.each.size() > 1;
  const auto replicates = static_cast<double>(run.each.size());
  text_table table({"", "", ""});
  if (many) {
    table.add_row({"replicates", std::to_string(run.each.size()), ""});
  }
  table.add_row({"duration", readable(duration), "s"});
  for (const figure& f : spike_figures()) {
    const estimate e = over(run.each, f);
    table.add_row({f.words, readable(e.mean) + (many && std::isfinite(e.mean) ? " +- " + readable(e.error) : ""),
                   f.unit == "1" ? "" : f.unit});
  }
  const double simulated_s = replicates * (config.sampling.burn_in_s + duration);
  table.add_row({"simulated over wall time", readable(simulated_s / run.wall_s), ""});
  table.add_row({"time per event", readable(1e9 * run.wall_s / static_cast<double>(run.events)), "ns"});
  table.print(std::cout);
}

void save(const configuration& config, simulation_result&& run, const simulate_arguments& arguments) {
  spike_train train{config.network,
                    config.sampling.burn_in_s,
                    arguments.duration_s,
                    config.seed,
                    config.text,
                    std::move(run.spikes),
                    {}};
  if (arguments.replicates > 1) {
    train.replicate = std::move(run.replicate);
  }
  save_spikes(arguments.output, train);
}

exit_code execute(const rank_context& job, const simulate_arguments& arguments) {
  const configuration config = load_configuration(arguments.config, arguments.overrides);
  std::optional<file_lock> lock;
  if (!arguments.output.empty()) {
    check_output(arguments.output, spikes_format);
    lock.emplace(arguments.output);
  }
  simulation_result run = simulate_network(job, config, arguments.duration_s, arguments.replicates);
  (arguments.json ? print_simulation_json : print_simulation_table)(config, run, arguments.duration_s);
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
  options.flag("--json", arguments->json, "print one JSON object");
  command_action action = on_rank_0([arguments](const rank_context& job) { return execute(job, *arguments); });
  action.output = [arguments] { return arguments->output; };
  return action;
}

}  // namespace spikesweep
