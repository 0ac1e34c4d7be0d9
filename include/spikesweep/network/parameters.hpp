#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include <spikesweep/base/setting.hpp>

namespace spikesweep {

/// Lowest membrane potential: the inhibitory reversal, in units of one external kick.
inline constexpr int reversal_potential = -66;
/// Firing threshold, in units of one external kick. Non-refractory neurons are in [reversal_potential, threshold).
inline constexpr int threshold_potential = 100;

/// Excitatory or inhibitory; also the index of a population in arrays of two.
enum class population : int { E = 0, I = 1 };

/// The four pools of pending kicks, one for each connection, index order (post, pre); also their order in a state.
enum class pool : int { EE = 0, IE = 1, EI = 2, II = 3 };
inline constexpr int pool_count = 4;

constexpr population post(pool k) {
  return k == pool::EE || k == pool::EI ? population::E : population::I;
}
constexpr population pre(pool k) {
  return k == pool::EE || k == pool::IE ? population::E : population::I;
}
/// The connection onto `post` from `pre`.
constexpr pool pool_of(population post, population pre) {
  return static_cast<pool>(2 * static_cast<int>(pre) + static_cast<int>(post));
}

/// What a spike does through one connection.
struct connection {
  double probability;  ///< That it reaches a neuron.
  double weight;       ///< Of its kick [kicks].
  double delay_ms;     ///< Mean delay of its kick [ms].
};

/// How an inhibitory kick lowers a membrane potential V.
enum class inhibition_kind {
  constant,          ///< V -= round(S_QI)
  voltage_dependent  ///< V -= round(S_QI (V + 66) / 166)
};

/// What a network is made of.
enum class network_model {
  markov,   ///< Continuous-time Markov jump process (markov.hpp).
  discrete  ///< Discrete-time integrate-and-fire neurons with synaptic currents (discrete.hpp).
};

/// The named scalars of a network. Index order is (post, pre). Defaults are the canonical set `zhang2024`.
struct parameters {
  int N_E = 300;           ///< Excitatory neurons.
  int N_I = 100;           ///< Inhibitory neurons.
  double P_EE = 0.15;      ///< Probability that an E spike reaches an E neuron.
  double P_IE = 0.5;       ///< Probability that an E spike reaches an I neuron.
  double P_EI = 0.5;       ///< Probability that an I spike reaches an E neuron.
  double P_II = 0.4;       ///< Probability that an I spike reaches an I neuron.
  double S_EE = 4.0;       ///< Weight of an E kick on an E neuron [kicks].
  double S_IE = 3.0;       ///< Weight of an E kick on an I neuron [kicks].
  double S_EI = 2.2;       ///< Weight of an I kick on an E neuron [kicks].
  double S_II = 2.0;       ///< Weight of an I kick on an I neuron [kicks].
  double lambda_E = 3000;  ///< Rate of external kicks to each E neuron [1/s].
  double lambda_I = 3000;  ///< Rate of external kicks to each I neuron [1/s].
  double tau_EE = 2;       ///< Mean delay of a kick from E to E [ms].
  double tau_IE = 2;       ///< Mean delay of a kick from E to I [ms].
  double tau_EI = 3;       ///< Mean delay of a kick from I to E [ms].
  double tau_II = 3;       ///< Mean delay of a kick from I to I [ms].
  double tau_ref = 4;      ///< Mean refractory time; 0: none [ms].
  double S_ext = 1;        ///< Weight of an external kick; 1 in a Markov network [kicks].
  inhibition_kind inhibition = inhibition_kind::constant;
  network_model model = network_model::markov;

  int size(population q) const { return q == population::E ? N_E : N_I; }
  /// The parameters of a connection. What acts on one of them acts here, for all simulators.
  connection connection_of(pool k) const {
    switch (k) {
      case pool::EE:
        return {P_EE, S_EE, tau_EE};
      case pool::IE:
        return {P_IE, S_IE, tau_IE};
      case pool::EI:
        return {P_EI, S_EI, tau_EI};
      case pool::II:
        break;
    }
    return {P_II, S_II, tau_II};
  }
  /// Mean number of kicks that one spike makes in a pool.
  double fanout(pool k) const { return connection_of(k).probability * size(post(k)); }
  /// Mean refractory time [ms]; 0: none. What acts on it acts here, too.
  double refractory_ms() const { return tau_ref; }
  /// Rate of external kicks to each neuron of a population [1/s]. What acts on it acts here, too.
  double external_rate(population q) const { return q == population::E ? lambda_E : lambda_I; }
  /// Rate of external kicks to the whole network [1/s].
  double external_kicks() const { return N_E * external_rate(population::E) + N_I * external_rate(population::I); }
  bool operator==(const parameters&) const = default;

  template <class Archive>
  void serialize(Archive& archive, unsigned version);
};

/// One numeric parameter: its name, unit and allowed range (both ends included).
struct parameter_info {
  std::string_view name;
  std::string_view unit;
  double minimum;
  double maximum;
  std::variant<double parameters::*, int parameters::*> member;
  std::string_view description;
  /// The value that was in force when a file without this parameter was written; nothing: every file has it.
  std::optional<double> absent = {};

  bool whole() const { return member.index() == 1; }
};

/// A range that a parameter is swept over.
struct swept_range {
  const parameter_info* parameter;
  double minimum;
  double maximum;
};

/// Every numeric parameter, in the order of the struct.
std::span<const parameter_info> parameter_table();

template <class Archive>
void parameters::serialize(Archive& archive, unsigned /*version*/) {
  for (const parameter_info& row : parameter_table()) {
    std::visit([&](const auto member) { archive& this->*member; }, row.member);
  }
  archive& inhibition& model;
}

/// What is chosen of a network by a word: how inhibition acts, and the model. Keys of [network], and datasets in files.
std::span<const setting<parameters>> network_choice_table();

/// The entry of a parameter by name. Throws input_error, with the nearest name, if there is none.
const parameter_info& find_parameter(std::string_view name);

double get_parameter(const parameters& p, const parameter_info& info);

/// Sets a parameter. Throws input_error if the value is out of range, not finite, or not whole where it has to be.
void set_parameter(parameters& p, const parameter_info& info, double value);

/// Most neurons of a network.
inline constexpr int neuron_limit = 65536;

/// Throws input_error, naming the parameter and its allowed range, unless every parameter is valid, the network is not
/// too large, and its model has all of them.
void validate(const parameters& p);

/// Why a network of this model cannot have this value of a parameter; empty if it can.
std::string_view refusal(network_model model, const parameter_info& info, double value);

std::string_view name_of(inhibition_kind kind);
std::string_view name_of(network_model model);

}  // namespace spikesweep
