#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/base/stopwatch.hpp>
#include <spikesweep/network/phases.hpp>
#include <spikesweep/network/simulators.hpp>
#include <spikesweep/study/simulate_step.hpp>

namespace spikesweep {

namespace {

environment_error ran_away(const configuration& config) {
  return environment_error(
      fmt::format("the network ran away: more than {} pending kicks (key 'sweep.max_pending'); weaken the excitation "
                  "or raise the key",
                  config.sampling.max_pending));
}

void add_replicate(simulation_result& out, std::vector<spike_record>&& spikes, int replicate,
                   const configuration& config, double duration) {
  const double begin = config.sampling.burn_in_s;
  out.runs[static_cast<std::size_t>(replicate)] =
      trajectory_of(std::move(spikes), config.network, begin, begin + duration, figure_settings().bin_s,
                    batches_of(static_cast<int>(out.runs.size()), duration));
}

/// One network by its plain simulator: burn-in, then `duration` seconds.
template <class Network>
void follow_one(const rank_context& job, const configuration& config, double duration, Network net,
                simulation_result& out) {
  const double begin = config.sampling.burn_in_s;
  const double end = begin + duration;
  std::vector<spike_record> spikes;
  progress_line line(job.progress());
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
  add_replicate(out, std::move(spikes), 0, config, duration);
}

void simulate_one(const rank_context& job, const configuration& config, double duration, simulation_result& out) {
  const random_stream stream(config.seed, purpose::simulate);
  with_network(config.network, config.sampling.simulation, stream,
               [&](auto net) { follow_one(job, config, duration, std::move(net), out); });
}

/// Replicates by the simulator of sweeps: side by side in lockstep, where it can.
void simulate_many(const rank_context& job, const configuration& config, double duration, simulation_result& out) {
  const auto simulator = make_simulator(config.network.model, section_settings(), config.sampling, config.seed);
  const auto replicates = static_cast<std::uint32_t>(out.runs.size());
  std::vector<std::vector<spike_record>> spikes(replicates);
  std::uint32_t next = 0;
  int done = 0;
  progress_line line(job.progress());
  const auto text = [&] { return fmt::format("simulate: {} of {} replicates", done, replicates); };
  simulator->follow(
      duration,
      [&]() -> std::optional<network_task> {
        const std::uint32_t i = next++;
        return i < replicates ? std::optional(network_task{config.network, {config.seed, 0, i}, i}) : std::nullopt;
      },
      [&](const network_task& task, exact_run&& run) {
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
    add_replicate(out, std::move(spikes[i]), static_cast<int>(i), config, duration);
  }
}

}  // namespace

simulation_result simulate_network(const rank_context& job, const configuration& config, double duration,
                                   int replicates, const frequency_band& band) {
  const auto begin = steady_clock::now();
  simulation_result out;
  out.runs.resize(static_cast<std::size_t>(replicates));
  if (replicates == 1) {
    simulate_one(job, config, duration, out);
  } else {
    simulate_many(job, config, duration, out);
  }
  out.wall_s = seconds_since(begin);
  figure_settings look;
  look.segment_s = std::min(look.segment_s, duration);
  look.peak_band = band;
  const kept_runs all(out.runs, config.network, look);
  out.figures = figures_of(all);
  out.errors = standard_errors_of(all);
  return out;
}

}  // namespace spikesweep
