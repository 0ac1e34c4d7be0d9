#include <chrono>
#include <iostream>
#include <memory>

#include <fmt/format.h>

#include <spikesweep/base/duration.hpp>
#include <spikesweep/base/json.hpp>
#include <spikesweep/base/table.hpp>
#include <spikesweep/network/oracle.hpp>
#include <spikesweep/network/phases.hpp>
#include <spikesweep/network/statistics.hpp>

#include "command_context.hpp"
#include "spike_file.hpp"

namespace spikesweep {

namespace {

struct simulate_arguments {
  std::string config;
  std::vector<std::string> overrides;
  std::string duration;
  std::string output;
  bool json = false;
};

struct simulated {
  std::vector<spike_record> spikes;
  std::int64_t events = 0;  ///< Burn-in included.
  double wall_s = 0;
};

/// Burn-in, then `duration` seconds. Throws environment_error if the network runs away.
simulated simulate(const command_context& context, const configuration& config, double duration) {
  const auto started = std::chrono::steady_clock::now();
  oracle net(config.network, random_stream(config.seed, purpose::simulate));
  const double begin = config.sampling.burn_in_s;
  const double end = begin + duration;
  std::vector<spike_record> spikes;
  progress_line line(context.progress());
  const auto text = [&] { return fmt::format("simulate: {:.4g} of {:.4g} s", net.time(), end); };
  const auto poll = [&] {
    if (line.due()) {
      line.update(text());
    }
    return net.pending() <= config.sampling.max_pending;
  };
  if (!run_until(net, begin, nullptr, poll) || !run_until(net, end, &spikes, poll)) {
    throw environment_error(fmt::format(
        "the network ran away: more than {} pending kicks (key 'sweep.max_pending') after {:.4g} s of {:.4g} s",
        config.sampling.max_pending, net.time(), end));
  }
  line.finish(text());
  const double wall_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  return {std::move(spikes), net.events(), wall_s};
}

exit_code execute(const command_context& context, const simulate_arguments& arguments, double duration) {
  const configuration config = load_configuration(arguments.config, arguments.overrides);
  if (!arguments.output.empty()) {
    check_output_file(arguments.output);
  }
  const simulated run = simulate(context, config, duration);
  const std::vector<spike_record>& spikes = run.spikes;
  const double begin = config.sampling.burn_in_s;
  const activity_summary summary = summarise(spikes, config.network, begin, begin + duration);
  if (!arguments.output.empty()) {
    save_spikes(arguments.output, {config.network, begin, duration, config.seed, config.text, spikes});
  }
  if (arguments.json) {
    json_object object;
    object.add("rate_E_hz", summary.rate_E_hz).add("rate_I_hz", summary.rate_I_hz);
    object.add("fano_E_1ms", summary.fano_E).add("peak_hz", summary.peak_hz).add("synchrony", summary.synchrony);
    object.add("simulated_s", duration).add("burn_in_s", begin).add("wall_s", run.wall_s);
    object.add("realtime_factor", (begin + duration) / run.wall_s).add("events", run.events);
    object.add("spikes", spikes.size()).add("seed", config.seed);
    json_object network;
    for (const parameter_info& info : parameter_table()) {
      network.add(info.name, get_parameter(config.network, info));
    }
    network.add("inhibition", name_of(config.network.inhibition));
    object.add("network", network);
    std::cout << object.text() << '\n';
    return exit_code::done;
  }
  text_table table({"", "", ""});
  table.add_row({"duration", readable(duration), "s"});
  table.add_row({"E rate", readable(summary.rate_E_hz), "Hz"});
  table.add_row({"I rate", readable(summary.rate_I_hz), "Hz"});
  table.add_row({"Fano factor of E counts in 1 ms", readable(summary.fano_E), ""});
  table.add_row({"spectral peak of the E rate", readable(summary.peak_hz), "Hz"});
  table.add_row({"spike synchrony index", readable(summary.synchrony), ""});
  table.add_row({"simulated over wall time", readable((begin + duration) / run.wall_s), ""});
  table.add_row({"time per event", readable(1e9 * run.wall_s / static_cast<double>(run.events)), "ns"});
  table.print(std::cout);
  return exit_code::done;
}

}  // namespace

void add_simulate_command(CLI::App& app, command_context& context) {
  CLI::App* command = app.add_subcommand("simulate", "simulate one network exactly");
  const auto arguments = std::make_shared<simulate_arguments>();
  add_config_argument(*command, arguments->config);
  add_set_option(*command, arguments->overrides, "override a config key, such as S_EE=4.1");
  command->add_option("--duration", arguments->duration, "simulated time after the burn-in, such as 5s or 500ms")
      ->required()
      ->type_name("TIME");
  command->add_option("-o,--output", arguments->output, "write the spikes to this file")->type_name("FILE.h5");
  command->add_flag("--json", arguments->json, "print one JSON object");
  command->callback([&context, arguments] {
    const double duration = parse_duration(arguments->duration);
    context.execute = [&context, arguments, duration] {
      return on_rank_0(context, [&] { return execute(context, *arguments, duration); });
    };
  });
}

}  // namespace spikesweep
