#pragma once

#include <span>
#include <string_view>

#include <spikesweep/base/setting.hpp>

namespace spikesweep {

/// How a network is simulated, as settings choose it. The simulators are in simulators.hpp.
enum class simulator_kind {
  exact,       ///< The network's own law: event by event (Markov), or step by step (discrete: its steps are its law).
  tau_leaping  ///< The Markov network by steps of fixed length, whose law tends to the exact one as they shrink.
};

std::string_view name_of(simulator_kind kind);

/// A simulator and its constants.
struct simulation_settings {
  simulator_kind simulator = simulator_kind::exact;
  double dt_ms = 0.1;  ///< Step of the discrete network, and of tau-leaping [ms].

  bool operator==(const simulation_settings&) const = default;
};

/// Every setting of a simulator: keys of [sweep], and datasets in files.
std::span<const setting<simulation_settings>> simulation_table();

}  // namespace spikesweep
