#include <chrono>
#include <cmath>
#include <iostream>
#include <memory>
#include <optional>

#include <fmt/format.h>

#include <spikesweep/base/duration.hpp>
#include <spikesweep/base/json.hpp>
#include <spikesweep/base/table.hpp>
#include <spikesweep/network/figures.hpp>
#include <spikesweep/network/network_sampler.hpp>
#include <spikesweep/network/phases.hpp>
#include <spikesweep/store/spike_file.hpp>

#include "command_context.hpp"

namespace spikesweep {

namespace {

struct simulate_arguments {
  std::string config;
  std::vector<std::string> overrides;
  std::string duration;
  std::string output;
  int replicates = 1;
  bool json = false;
};

/// What one or more replicates showed.
struct simulated {
  std::vector<run_figures> each;        ///< Of each replicate.
  std::vector<spike_record> spikes;     ///< One replicate after the other.
  std::vector<std::int32_t> replicate;  ///< Of each spike.
  std::int64_t events = 0;              ///< Burn-in included.
  double wall_s = 0;
};

/// A figure over the replicates.
struct estimate {
  double mean;
  double error;  ///< Standard error; NaN of one replicate.
};

environment_error ran_away(const configuration& config) {
  return environment_error(fmt::format("the network ran away: more than {} pending kicks (key 'sweep.max_pending')",
                                       config.sampling.max_pending));
}

void take_in(simulated& out, std::vector<spike_record>&& spikes, int replicate, const configuration& config,
             double duration) {
  const double begin = config.sampling.burn_in_s;
  const trajectory run = trajectory_of(std::move(spikes), config.network, begin, begin + duration);
  out.each[static_cast<std::size_t>(replicate)] = figures_of(run, config.network);
  out.spikes.insert(out.spikes.end(), run.raster.begin(), run.raster.end());
  out.replicate.insert(out.replicate.end(), run.raster.size(), replicate);
}

/// One network by its plain simulator: burn-in, then `duration` seconds.
template <class Network>
void follow_one(const command_context& context, const configuration& config, double duration, Network net,
                simulated& out) {
  const double begin = config.sampling.burn_in_s;
  const double end = begin + duration;
  std::vector<spike_record> spikes;
  progress_line line(context.job.progress());
  const auto text = [&] { return fmt::format("simulate: {:.4g} of {:.4g} s", net.time(), end); };
  const auto poll = [&] {
    if (line.due()) {
      line.update(text());
    }
    return net.pending() <= config.sampling.max_pending;
  };
  if (!run_until(net, begin, nullptr, poll) || !run_until(net, end, &spikes, poll)) {
    throw ran_away(config);
  }
  line.finish(text());
  out.events = net.events();
  take_in(out, std::move(spikes), 0, config, duration);
}

void simulate_one(const command_context& context, const configuration& config, double duration, simulated& out) {
  const random_stream stream(config.seed, purpose::simulate);
  const simulation_settings& simulation = config.sampling.simulation;
  if (config.network.model == network_model::discrete) {
    follow_one(context, config, duration, discrete_network(config.network, simulation.dt_ms, stream), out);
  } else if (simulation.simulator == simulator_kind::tau_leaping) {
    follow_one(context, config, duration, leaping_network(config.network, simulation.dt_ms, stream), out);
  } else {
    follow_one(context, config, duration, oracle(config.network, stream), out);
  }
}

/// Replicates by the simulator of sweeps: side by side in lockstep, where it can.
void simulate_many(const command_context& context, const configuration& config, double duration, simulated& out) {
  network_sampler sampler(config.network.model, section_settings(), config.sampling, config.seed);
  const auto replicates = static_cast<std::uint32_t>(out.each.size());
  std::vector<std::vector<spike_record>> spikes(replicates);
  std::uint32_t next = 0;
  int done = 0;
  progress_line line(context.job.progress());
  const auto text = [&] { return fmt::format("simulate: {} of {} replicates", done, replicates); };
  sampler.follow(
      duration,
      [&]() -> std::optional<ensemble_task> {
        const std::uint32_t i = next++;
        return i < replicates ? std::optional(ensemble_task{config.network, {config.seed, 0, i}, i}) : std::nullopt;
      },
      [&](const ensemble_task& task, exact_run&& run) {
        if (run.state != task_state::done) {
          throw ran_away(config);
        }
        out.events += run.events;
        spikes[static_cast<std::size_t>(task.label)] = std::move(run.spikes);
        ++done;
      },
      [&] {
        if (line.due()) {
          line.update(text());
        }
        return true;
      });
  line.finish(text());
  for (std::uint32_t i = 0; i < replicates; ++i) {
    take_in(out, std::move(spikes[i]), static_cast<int>(i), config, duration);
  }
}

simulated simulate(const command_context& context, const configuration& config, double duration, int replicates) {
  const auto started = std::chrono::steady_clock::now();
  simulated out;
  out.each.resize(static_cast<std::size_t>(replicates));
  if (replicates == 1) {
    simulate_one(context, config, duration, out);
  } else {
    simulate_many(context, config, duration, out);
  }
  out.wall_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  return out;
}

estimate over(const std::vector<run_figures>& each, const figure& f) {
  std::vector<double> values;
  for (const run_figures& one : each) {
    values.push_back(one[f]);
  }
  const double m = mean(values);
  return {m, m * coefficient_of_variation(values) / std::sqrt(static_cast<double>(values.size()))};
}

void print_json(const configuration& config, const simulated& run, double duration) {
  const auto replicates = static_cast<double>(run.each.size());
  const double begin = config.sampling.burn_in_s;
  json_object object;
  json_object errors;
  for (const figure& f : spike_figures()) {
    const estimate e = over(run.each, f);
    object.add(f.name, e.mean);
    errors.add(f.name, e.error);
  }
  object.add("simulated_s", replicates * duration).add("burn_in_s", begin).add("wall_s", run.wall_s);
  object.add("realtime_factor", replicates * (begin + duration) / run.wall_s).add("events", run.events);
  object.add("spikes", run.spikes.size()).add("seed", config.seed).add("replicates", run.each.size());
  if (run.each.size() > 1) {
    object.add("standard_errors", errors);
  }
  json_object network;
  for (const parameter_info& info : parameter_table()) {
    network.add(info.name, get_parameter(config.network, info));
  }
  network.add("inhibition", name_of(config.network.inhibition)).add("model", name_of(config.network.model));
  object.add("network", network).add("simulator", name_of(config.sampling.simulation.simulator));
  std::cout << object.text() << '\n';
}

void print_table(const configuration& config, const simulated& run, double duration) {
  const bool many = run.each.size() > 1;
  const auto replicates = static_cast<double>(run.each.size());
  text_table table({"", "", ""});
  if (many) {
    table.add_row({"replicates", std::to_string(run.each.size()), ""});
  }
  table.add_row({"duration", readable(duration), "s"});
  for (const figure& f : spike_figures()) {
    const estimate e = over(run.each, f);
    table.add_row({f.words, readable(e.mean) + (many ? " +- " + readable(e.error) : ""), f.unit == "1" ? "" : f.unit});
  }
  const double simulated_s = replicates * (config.sampling.burn_in_s + duration);
  table.add_row({"simulated over wall time", readable(simulated_s / run.wall_s), ""});
  table.add_row({"time per event", readable(1e9 * run.wall_s / static_cast<double>(run.events)), "ns"});
  table.print(std::cout);
}

exit_code execute(const command_context& context, const simulate_arguments& arguments, double duration) {
  const configuration config = load_configuration(arguments.config, arguments.overrides);
  if (!arguments.output.empty()) {
    check_output_file(arguments.output);
  }
  simulated run = simulate(context, config, duration, arguments.replicates);
  if (arguments.json) {
    print_json(config, run, duration);
  } else {
    print_table(config, run, duration);
  }
  if (!arguments.output.empty()) {
    spike_train train{config.network, config.sampling.burn_in_s, duration, config.seed,
                      config.text,    std::move(run.spikes),     {}};
    if (arguments.replicates > 1) {
      train.replicate = std::move(run.replicate);
    }
    save_spikes(arguments.output, train);
  }
  return exit_code::done;
}

}  // namespace

void add_simulate_command(CLI::App& app, command_context& context) {
  CLI::App* command = app.add_subcommand("simulate", "simulate one network, or replicates of it");
  const auto arguments = std::make_shared<simulate_arguments>();
  add_config_argument(*command, arguments->config);
  add_set_option(*command, arguments->overrides, "override a config key, such as S_EE=4.1");
  command->add_option("--duration", arguments->duration, "simulated time after the burn-in, such as 5s or 500ms")
      ->required()
      ->type_name("TIME");
  command
      ->add_option("--replicates", arguments->replicates,
                   "independent runs of the network, side by side in the lockstep simulator where it can")
      ->check(CLI::Range(1, 1000000))
      ->type_name("N");
  command->add_option("-o,--output", arguments->output, "write the spikes to this file")->type_name("FILE.h5");
  command->add_flag("--json", arguments->json, "print one JSON object");
  command->callback([&context, arguments] {
    const double duration = parse_duration(arguments->duration);
    execute_on_rank_0(context, [&context, arguments, duration] { return execute(context, *arguments, duration); });
  });
}

}  // namespace spikesweep
