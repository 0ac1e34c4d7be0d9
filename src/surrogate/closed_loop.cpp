#include <algorithm>

#include <spikesweep/base/error.hpp>
#include <spikesweep/surrogate/closed_loop.hpp>

namespace spikesweep {

namespace {

void record(trajectory_recorder& to, const chain_step& step, spike_places& places) {
  to.step(step.phase, step.duration, step.spikes_E + step.spikes_I, step.times_E, step.times_I, places);
}

}  // namespace

void stop_if_asked(const stop_check& stop) {
  if (stop && stop()) {
    throw interrupted_error("interrupted in a closed loop; the same command starts it again");
  }
}

std::vector<trajectory> run_closed_loop(const kernel& step, std::vector<chain>& chains,
                                        const trajectory_settings& settings, const chain_observer& observer,
                                        const stop_check& stop) {
  std::vector<trajectory_recorder> recorders;
  std::vector<spike_places> places;
  for (auto& c : chains) {
    recorders.emplace_back(settings, c.p.N_E);
    places.emplace_back(c.p, c.stream.word64());
  }
  std::vector<chain_step> steps(chains.size());
  // Chains that are done go on unrecorded until all are, so that the batch keeps its shape.
  while (!std::ranges::all_of(recorders, &trajectory_recorder::finished)) {
    stop_if_asked(stop);
    if (observer) {
      observer(chains, [&recorders](std::size_t i) { return recorders[i].finished(); });
    }
    step(chains, steps);
    for (std::size_t i = 0; i < chains.size(); ++i) {
      if (!recorders[i].finished()) {
        record(recorders[i], steps[i], places[i]);
      }
    }
  }
  std::vector<trajectory> out;
  for (auto& r : recorders) {
    out.push_back(r.take());
  }
  return out;
}

namespace {

template <class Network>
trajectory follow_hybrid(const model& m, const kernel& step, chain start, Network net,
                         const trajectory_settings& settings, const stop_check& stop) {
  const state_layout& layout = m.space.layout.state;
  std::vector<chain> chains{std::move(start)};
  chain& c = chains[0];
  // The law is not looked up where tuning says: that is for loops of the law alone.
  for (std::size_t a = 0; a < c.values.size(); ++a) {
    c.values[a] = get_parameter(c.p, find_parameter(m.space.axes[a]));
  }
  c.noise = 1;
  std::vector<chain_step> steps(1);
  net.draw_from(layout, c.state);
  double pool_mean = 0;
  if (m.space.section.kind == section_kind::volley) {
    Network probe = net;
    pool_mean = mean_pool(probe, max_pending_limit);
  }
  trajectory_recorder out(settings, c.p.N_E);
  spike_places places(c.p, c.stream.word64());
  std::vector<spike_record> spikes;
  while (!out.finished()) {
    stop_if_asked(stop);
    // The window of the start rule is empty after a jump: what fired in the MFE has passed.
    phase_cutter cutter(m.space.section, c.p, pool_mean);
    spikes.clear();
    const double shift = out.time() - net.time();
    const double limit = net.time() + settings.burn_in_s + settings.duration_s - out.time();
    const phase_record quiet = cutter.run(net, spikes, limit, [&] {
      stop_if_asked(stop);
      return net.pending() <= max_pending_limit;
    });
    for (const auto& spike : spikes) {
      out.spike(spike.time + shift, spike.neuron);
    }
    out.phase(phase_kind::quiet, quiet.duration(), quiet.spikes_E + quiet.spikes_I);
    if (quiet.unfinished) {
      if (net.pending() > max_pending_limit) {
        out.run_away();
      }
      break;
    }
    net.coarse_grain(layout, c.state);
    c.phase = phase_kind::active;
    step(chains, steps);
    record(out, steps[0], places);
    net.draw_from(layout, c.state);
  }
  return out.take();
}

}  // namespace

trajectory run_hybrid(const model& m, const kernel& step, chain start, const trajectory_settings& settings,
                      const stop_check& stop) {
  if (m.space.section.kind == section_kind::interval) {
    throw input_error("a hybrid run needs a model of section 'mfe' or 'volley': with 'interval' no phase is quiet");
  }
  const parameters p = start.p;
  // One after the other: compilers differ in which argument of a call they evaluate first.
  const std::uint32_t b = start.stream.word();
  const std::uint32_t a = start.stream.word();
  const random_stream stream(m.surrogate().seed, purpose::validation, a, b);
  return with_network(p, m.space.simulation, stream, [&](auto net) {
    return follow_hybrid(m, step, std::move(start), std::move(net), settings, stop);
  });
}

}  // namespace spikesweep
