#include <spikesweep/base/error.hpp>
#include <spikesweep/network/simulation.hpp>

namespace spikesweep {

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
