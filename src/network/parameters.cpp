#include <array>
#include <cmath>
#include <vector>

#include <fmt/format.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/base/nearest.hpp>
#include <spikesweep/network/parameters.hpp>

namespace spikesweep {

namespace {

using p = parameters;

// Bounds keep counts within the file's types and rates within what a double resolves; they are not physiological.
constexpr double max_neurons = 65535;  // Of a population; both together: neuron_limit.
constexpr double max_weight = 1000;
constexpr double max_rate = 1e6;
constexpr double max_delay = 1000;
constexpr double min_delay = 0.01;

constexpr std::array table{
    parameter_info{"N_E", "1", 1, max_neurons, &p::N_E, "excitatory neurons"},
    parameter_info{"N_I", "1", 1, max_neurons, &p::N_I, "inhibitory neurons"},
    parameter_info{"P_EE", "1", 0, 1, &p::P_EE, "probability that an E spike reaches an E neuron"},
    parameter_info{"P_IE", "1", 0, 1, &p::P_IE, "probability that an E spike reaches an I neuron"},
    parameter_info{"P_EI", "1", 0, 1, &p::P_EI, "probability that an I spike reaches an E neuron"},
    parameter_info{"P_II", "1", 0, 1, &p::P_II, "probability that an I spike reaches an I neuron"},
    parameter_info{"S_EE", "kick", 0, max_weight, &p::S_EE, "weight of an E kick on an E neuron"},
    parameter_info{"S_IE", "kick", 0, max_weight, &p::S_IE, "weight of an E kick on an I neuron"},
    parameter_info{"S_EI", "kick", 0, max_weight, &p::S_EI, "weight of an I kick on an E neuron"},
    parameter_info{"S_II", "kick", 0, max_weight, &p::S_II, "weight of an I kick on an I neuron"},
    parameter_info{"lambda_E", "1/s", 0, max_rate, &p::lambda_E, "rate of external kicks to each E neuron"},
    parameter_info{"lambda_I", "1/s", 0, max_rate, &p::lambda_I, "rate of external kicks to each I neuron"},
    parameter_info{"tau_EE", "ms", min_delay, max_delay, &p::tau_EE,
                   "mean delay of a kick from E to E; discrete: decay time of the current"},
    parameter_info{"tau_IE", "ms", min_delay, max_delay, &p::tau_IE,
                   "mean delay of a kick from E to I; discrete: decay time of the current"},
    parameter_info{"tau_EI", "ms", min_delay, max_delay, &p::tau_EI,
                   "mean delay of a kick from I to E; discrete: decay time of the current"},
    parameter_info{"tau_II", "ms", min_delay, max_delay, &p::tau_II,
                   "mean delay of a kick from I to I; discrete: decay time of the current"},
    parameter_info{"tau_ref", "ms", 0, max_delay, &p::tau_ref, "mean refractory time; 0: none"},
    parameter_info{"S_ext", "kick", 0, max_weight, &p::S_ext, "weight of an external kick; 1 in a Markov network", 1.0},
};

constexpr std::array choices{
    choice_setting<&p::inhibition, inhibition_kind::constant, inhibition_kind::voltage_dependent>(
        "inhibition", "whether an inhibitory kick lowers the potential by S, or by S (V + 66) / 166"),
    choice_setting<&p::model, network_model::markov, network_model::discrete>(
        "model", "continuous-time Markov process, or discrete-time neurons with synaptic currents (tau_ref = 0)")
        .absent_means("markov"),
};

}  // namespace

std::span<const parameter_info> parameter_table() {
  return table;
}

std::span<const setting<parameters>> network_choice_table() {
  return choices;
}

const parameter_info& find_parameter(std::string_view name) {
  std::vector<std::string> names;  // Left empty where the name is found: every point of a sweep looks its axes up.
  for (const auto& info : table) {
    if (info.name == name) {
      return info;
    }
  }
  for (const auto& info : table) {
    names.emplace_back(info.name);
  }
  const std::string near = nearest_name(name, names);
  throw input_error(fmt::format("no network parameter '{}'{}", name,
                                near.empty() ? "; the parameters are " + fmt::format("{}", fmt::join(names, ", "))
                                             : fmt::format("; did you mean '{}'?", near)));
}

double get_parameter(const parameters& values, const parameter_info& info) {
  return std::visit([&](auto member) { return static_cast<double>(values.*member); }, info.member);
}

void set_parameter(parameters& values, const parameter_info& info, double value) {
  if (!std::isfinite(value) || value < info.minimum || value > info.maximum) {
    throw input_error(fmt::format("parameter {} = {} is out of range; allowed: {} to {} {}", info.name, value,
                                  info.minimum, info.maximum, info.unit));
  }
  if (info.whole() && value != std::floor(value)) {
    throw input_error(fmt::format("parameter {} = {} has to be a whole number", info.name, value));
  }
  std::visit(
      [&](auto member) { values.*member = static_cast<std::remove_reference_t<decltype(values.*member)>>(value); },
      info.member);
}

void validate(const parameters& values) {
  parameters checked;
  for (const auto& info : table) {
    set_parameter(checked, info, get_parameter(values, info));
  }
  if (values.N_E + values.N_I > neuron_limit) {
    throw input_error(
        fmt::format("N_E + N_I = {} + {}: a network has at most {} neurons", values.N_E, values.N_I, neuron_limit));
  }
  for (const auto& info : table) {
    const double value = get_parameter(values, info);
    if (const auto reason = refusal(values.model, info, value); !reason.empty()) {
      throw input_error(fmt::format("parameter {} = {} {}", info.name, value, reason));
    }
  }
}

std::string_view refusal(network_model model, const parameter_info& info, double value) {
  if (model == network_model::markov && info.name == "S_ext" && value != 1) {
    return "has to be 1 in a Markov network, where an external kick is the unit of the potential";
  }
  constexpr double shortest_tau_ref = 1e-3;  // [ms] Returns of all neurons then are 10^6 a second and neuron.
  if (info.name == "tau_ref" && value > 0 && value < shortest_tau_ref) {
    return "has to be 0, which means no refractory time, or at least 0.001 ms";
  }
  if (model == network_model::discrete && info.name == "tau_ref" && value != 0) {
    return "has to be 0 in a discrete network, which has no refractory time";
  }
  return {};
}

std::string_view name_of(inhibition_kind kind) {
  return kind == inhibition_kind::constant ? "constant" : "voltage_dependent";
}

std::string_view name_of(network_model model) {
  return model == network_model::markov ? "markov" : "discrete";
}

}  // namespace spikesweep
