#include <algorithm>

#include <spikesweep/network/simulators.hpp>

namespace spikesweep {

namespace {

const simulator_info* find(network_model model, const simulation_settings& simulation) {
  const auto row =
      std::ranges::find_if(simulator_table, [&](const simulator_info& r) { return fits(r, model, simulation); });
  return row == simulator_table.end() ? nullptr : &*row;
}

}  // namespace

std::string refusal(network_model model, const simulation_settings& simulation) {
  if (find(model, simulation) != nullptr) {
    return "";
  }
  const auto row = std::ranges::find(simulator_table, simulation.simulator, &simulator_info::kind);
  return "is for network.model = \"" + std::string(name_of(row->model)) + "\": " + std::string(row->refusal);
}

input_error no_simulator(network_model model, const simulation_settings& simulation) {
  return input_error("simulator " + std::string(name_of(simulation.simulator)) + ' ' + refusal(model, simulation));
}

const simulator_info& simulator_of_tasks(network_model model, const simulation_settings& simulation) {
  const simulator_info* row = find(model, simulation);
  if (row == nullptr) {
    throw no_simulator(model, simulation);
  }
  return *row;
}

std::unique_ptr<network_simulator> make_simulator(network_model model, const section_settings& section,
                                                  const sampling_settings& sampling, std::uint64_t seed) {
  return simulator_of_tasks(model, sampling.simulation).make(section, sampling, seed);
}

}  // namespace spikesweep
