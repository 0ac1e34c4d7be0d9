#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include <spikesweep/base/error.hpp>
#include <spikesweep/network/discrete.hpp>
#include <spikesweep/network/leaping.hpp>
#include <spikesweep/network/lockstep.hpp>
#include <spikesweep/network/oracle.hpp>
#include <spikesweep/network/serial.hpp>

namespace spikesweep {

/// What users choose by the setting `simulator`.
enum class simulator_kind : int {
  exact,       ///< The network's own law: event by event (Markov), or step by step (discrete: its steps are its law).
  tau_leaping  ///< The Markov network by steps of fixed length, whose law tends to the exact one as they shrink.
};

/// A choice as users see it.
struct simulator_choice {
  simulator_kind kind;
  std::string_view word;         ///< In configs and files.
  std::string_view description;  ///< In the help of the setting.
};

/// Every choice, in the order of the enumeration.
inline constexpr std::array simulator_choices{
    simulator_choice{simulator_kind::exact, "exact", "the network's own law"},
    simulator_choice{simulator_kind::tau_leaping, "tau_leaping", "steps of dt_ms that approximate a Markov network"},
};

/// One simulator of networks.
struct simulator_info {
  std::string_view name;
  network_model model;  ///< Of the networks that it simulates.
  simulator_kind kind;  ///< The choice that it belongs to.
  bool stepped;         ///< Time goes on in steps of `dt_ms`: every stopping time is a multiple of it.
  int width;            ///< Networks simulated at a time.
  /// Names the law and the random numbers: another version may give other results for the same task.
  std::string_view version;
  std::string_view refusal;  ///< Why networks of other models cannot have this choice; empty if they can.
  /// Makes one for tasks that all carry this seed.
  std::unique_ptr<network_simulator> (*make)(const section_settings& section, const sampling_settings& sampling,
                                             std::uint64_t seed);
};

/// A row of the table. `Network`: what it simulates one network with, at a time that the caller chooses; void if it
/// simulates several networks together only.
template <class Network>
struct simulator_row {
  simulator_info info;
  using network = Network;
};

inline std::unique_ptr<network_simulator> make_lockstep(const section_settings& section,
                                                        const sampling_settings& sampling, std::uint64_t seed) {
  return std::make_unique<lockstep_simulator>(section, sampling, seed);
}

inline std::unique_ptr<network_simulator> make_serial(const section_settings& section,
                                                      const sampling_settings& sampling, std::uint64_t /*seed*/) {
  return std::make_unique<serial_simulator>(section, sampling);
}

/// Every simulator, one row each. Of the rows that fit a model and a choice of settings, the first one simulates tasks,
/// and the first one that has a network simulates single networks.
inline constexpr std::tuple simulator_rows{
    simulator_row<void>{{.name = "lockstep",
                         .model = network_model::markov,
                         .kind = simulator_kind::exact,
                         .stepped = false,
                         .width = lockstep_simulator::lanes,
                         .version = "lockstep 1",
                         .refusal = "",
                         .make = make_lockstep}},
    simulator_row<oracle>{{.name = "oracle",
                           .model = network_model::markov,
                           .kind = simulator_kind::exact,
                           .stepped = false,
                           .width = 1,
                           .version = "oracle 1",
                           .refusal = "",
                           .make = make_serial}},
    simulator_row<leaping_network>{{.name = "tau-leaping",
                                    .model = network_model::markov,
                                    .kind = simulator_kind::tau_leaping,
                                    .stepped = true,
                                    .width = 1,
                                    .version = "tau-leaping 1",
                                    .refusal = "a discrete network goes by steps already",
                                    .make = make_serial}},
    simulator_row<discrete_network>{{.name = "discrete",
                                     .model = network_model::discrete,
                                     .kind = simulator_kind::exact,
                                     .stepped = true,
                                     .width = 1,
                                     .version = "discrete 1",
                                     .refusal = "",
                                     .make = make_serial}},
};

/// The table, without what only the compiler needs.
inline constexpr auto simulator_table =
    std::apply([](const auto&... row) { return std::array{row.info...}; }, simulator_rows);

constexpr bool fits(const simulator_info& row, network_model model, const simulation_settings& simulation) {
  return row.model == model && row.kind == simulation.simulator;
}

/// The simulator of tasks of this model. Throws input_error if there is none.
const simulator_info& simulator_of_tasks(network_model model, const simulation_settings& simulation);

/// Why a network of this model cannot be simulated so; empty if it can.
std::string refusal(network_model model, const simulation_settings& simulation);
/// The same as an error.
input_error no_simulator(network_model model, const simulation_settings& simulation);

/// A simulator of tasks, all of this model and seed. Needs valid settings. Throws input_error if no simulator fits.
std::unique_ptr<network_simulator> make_simulator(network_model model, const section_settings& section,
                                                  const sampling_settings& sampling, std::uint64_t seed);

/// Calls work(network) with a new network of the plain simulator that fits, and returns what it returns. The networks
/// of all rows share an interface: step(), time(), pending(), events(), coarse_grain(), draw_from(), perturb(), ...
/// Throws input_error if no simulator fits.
template <std::size_t row = 0, class Work>
std::invoke_result_t<const Work&, oracle> with_network(const parameters& p, const simulation_settings& simulation,
                                                       const random_stream& stream, const Work& work) {
  if constexpr (row == std::tuple_size_v<decltype(simulator_rows)>) {
    throw no_simulator(p.model, simulation);
  } else {
    using network = typename std::tuple_element_t<row, decltype(simulator_rows)>::network;
    if constexpr (!std::is_void_v<network>) {
      if (fits(std::get<row>(simulator_rows).info, p.model, simulation)) {
        if constexpr (std::is_constructible_v<network, const parameters&, double, random_stream>) {
          return work(network(p, simulation.dt_ms, stream));
        } else {
          return work(network(p, stream));
        }
      }
    }
    return with_network<row + 1>(p, simulation, stream, work);
  }
}

}  // namespace spikesweep
