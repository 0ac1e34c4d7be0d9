#include <array>

#include <spikesweep/base/error.hpp>
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

void validate(const parameters& p, const simulation_settings& simulation) {
  validate(p);
  if (p.model == network_model::discrete && simulation.simulator == simulator_kind::tau_leaping) {
    throw input_error("simulator tau_leaping is for Markov networks: a discrete network goes by steps already");
  }
}

}  // namespace spikesweep
