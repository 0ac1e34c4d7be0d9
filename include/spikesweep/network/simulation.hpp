#pragma once

#include <span>
#include <string_view>

#include <spikesweep/base/setting.hpp>

namespace spikesweep {

/// How a network is simulated, as settings choose it. The choices are in simulators.hpp, beside the simulators.
enum class simulator_kind : int;

std::string_view name_of(simulator_kind kind);

/// A simulator and its constants.
struct simulation_settings {
  simulator_kind simulator{};  ///< At first `exact`.
  double dt_ms = 0.1;          ///< Step of simulators that work with a time step [ms].

  bool operator==(const simulation_settings&) const = default;
};

/// Every setting of a simulator: keys of [sweep], and datasets in files.
std::span<const setting<simulation_settings>> simulation_table();

}  // namespace spikesweep
