#pragma once

#include <spikesweep/network/oracle.hpp>
#include <spikesweep/network/stepping.hpp>

namespace spikesweep {

/// Simulates the next event, or the next step, and calls fired(neuron, recurrence) for each spike (see step_spike).
/// False if `limit` [s] comes first. Always inline: this is the inner loop of the oracle.
template <class Fired>
[[gnu::always_inline]] inline bool advance(oracle& net, double limit, const Fired& fired) {
  const network_event event = net.step(limit);
  if (event.what == network_event::kind::spike) {
    fired(event.neuron, event.recurrent ? 1.0 : 0.0);
  }
  return event.what != network_event::kind::reached;
}

template <class Network, class Fired>
bool advance(Network& net, double limit, const Fired& fired) {
  if (!net.step(limit)) {
    return false;
  }
  for (const step_spike& spike : net.spikes()) {
    fired(spike.neuron, spike.recurrence);
  }
  return true;
}

}  // namespace spikesweep
