#include <array>
#include <string>
#include <utility>

#include <spikesweep/network/simulation.hpp>
#include <spikesweep/network/simulators.hpp>

namespace spikesweep {

namespace {

using s = simulation_settings;

template <std::size_t... i>
setting<simulation_settings> setting_of_choices(std::string_view description, std::index_sequence<i...>) {
  return choice_setting<&s::simulator, simulator_choices[i].kind...>("simulator", description).absent_means("exact");
}

std::string all_choices() {
  std::string out;
  for (const simulator_choice& choice : simulator_choices) {
    out.append(out.empty() ? "" : "; ").append(choice.word).append(": ").append(choice.description);
  }
  return out;
}

std::string step_of_whom() {
  std::string names;
  for (const simulator_info& row : simulator_table) {
    if (row.stepped) {
      names.append(names.empty() ? "" : ", ").append(row.name);
    }
  }
  return "step of these simulators: " + names;
}

}  // namespace

std::span<const setting<simulation_settings>> simulation_table() {
  static const std::string choices = all_choices();
  static const std::string step = step_of_whom();
  static const std::array rows{
      setting_of_choices(choices, std::make_index_sequence<simulator_choices.size()>()),
      number_setting<&s::dt_ms>("dt_ms", {0.001, 1}, "ms", step).absent_means(0.1),
  };
  return rows;
}

std::string_view name_of(simulator_kind kind) {
  return simulator_choices[static_cast<std::size_t>(kind)].word;
}

}  // namespace spikesweep
