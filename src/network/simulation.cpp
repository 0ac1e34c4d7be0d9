#include <array>

#include <spikesweep/network/simulation.hpp>

namespace spikesweep {

namespace {

using s = simulation_settings;

constexpr std::array rows{
    choice_setting<&s::simulator, simulator_kind::exact, simulator_kind::tau_leaping>(
        "simulator", "exact: the network's own law; tau_leaping: steps of dt_ms that approximate a Markov network")
        .absent_means("exact"),
    number_setting<&s::dt_ms>("dt_ms", {0.001, 1}, "ms", "step of tau-leaping and of the discrete network")
        .absent_means(0.1),
};

}  // namespace

std::span<const setting<simulation_settings>> simulation_table() {
  return rows;
}

std::string_view name_of(simulator_kind kind) {
  return kind == simulator_kind::exact ? "exact" : "tau_leaping";
}

}  // namespace spikesweep
