#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include <spikesweep/network/count_table.hpp>
#include <spikesweep/network/generator.hpp>
#include <spikesweep/network/parameters.hpp>
#include <spikesweep/network/state.hpp>
#include <spikesweep/network/stepping.hpp>

namespace spikesweep {

/// The discrete-time network: leakless integrate-and-fire neurons with synaptic currents. Wu et al. 2023, Chaos
/// 33:043121. Potentials are real numbers from the reversal potential up to the threshold, and
///   dV_Q/dt = S_ext ext_Q / tau_QE + S_QE h_QE / tau_QE - S_QI h_QI / tau_QI (V + 66) / 166
/// (with constant inhibition without the last factor), where ext_Q counts the neuron's own external kicks, a Poisson
/// train, h_QE and h_QI the kicks of its E and I synapses, and each decays exponentially with the tau it is divided by:
/// a kick of weight 1 raises the potential by 1 in the end. In a step
///   1. the traces decay, and the external ones grow by the step's kicks;
///   2. potentials move by dt times their slope, and are held at or above the reversal potential;
///   3. neurons at or above the threshold fire and are reset to 0;
///   4. each neuron's synaptic traces grow by Binomial(spikes of the presynaptic population, P).
/// There is no refractory time. Copying forks the network together with its random stream.
class discrete_network {
 public:
  /// Steps after which a caller is asked whether to go on.
  static constexpr std::int64_t steps_between_polls = 64;

  /// Starts with potentials uniform in [0, threshold), external traces at their mean and synaptic ones at 0.
  discrete_network(const parameters& p, double dt_ms, random_stream stream);

  /// Simulates a step, unless it would end after `limit` [s]: false.
  bool step(double limit);
  /// Spikes of the last step, E neurons first.
  std::span<const step_spike> spikes() const { return spikes_; }
  bool reached(double limit) const { return clock_.reached(limit); }

  double time() const { return clock_.time(); }  ///< [s]
  /// Updates of a neuron.
  std::int64_t events() const { return events_; }
  const parameters& network() const { return p_; }
  population population_of(int neuron) const { return neuron < p_.N_E ? population::E : population::I; }
  double potential(int neuron) const { return potential_[static_cast<std::size_t>(neuron)]; }
  /// Sum of a synaptic trace over its neurons, rounded: the pool of kicks still to act.
  int pending(pool k) const;
  std::int64_t pending() const;

  /// The coarse-grained state, written into `out` (layout.size() counts). No neuron is refractory.
  void coarse_grain(const state_layout& layout, std::span<std::int32_t> out) const;
  /// Becomes a microscopic state drawn from a coarse one: potentials uniform within their bins, pending kicks on random
  /// targets; external traces stay as they are. Needs a state of this network's population sizes.
  void draw_from(const state_layout& layout, state_view state);
  /// Leaves the usual trajectory as a Markov network does (perturbation.hpp); external traces stay as they are.
  void perturb(random_stream& stream);
  /// Goes on under other parameters, of the same population sizes; traces stay as they are.
  void change_parameters(const parameters& p);
  /// Becomes a synthetic state as a Markov network does (synthetic.hpp); external traces stay as they are.
  void synthesize(const state_layout& layout, int first_mode, random_stream& stream);

  /// For going on later with a network that was made with the same arguments.
  template <class Archive>
  void serialize(Archive& archive, unsigned /*version*/) {
    archive& p_& clock_& random_& groups_& potential_& events_;
  }

 private:
  /// One population: its place among the neurons, the synapses onto it, and its traces.
  struct group {
    int first;
    int size;
    double external;                           ///< Slope of a potential by one external kick [1/ms].
    double excitation;                         ///< ... by one E kick.
    double inhibition;                         ///< ... by one I kick at potential 0 ...
    double inhibition_by_v;                    ///< ... and, for each unit of the potential, this much more.
    double keep_external;                      ///< What is left of a trace after a step.
    double keep[2];                            ///< The same of the traces of E and of I kicks.
    double probability[2];                     ///< That a spike of E, of I reaches a neuron.
    count_table external_kicks;                ///< In a step.
    std::vector<double> outside;               ///< Trace of external kicks, of each neuron.
    std::array<std::vector<double>, 2> trace;  ///< Traces of E and of I kicks, of each neuron.

    template <class Archive>
    void serialize(Archive& archive, unsigned /*version*/) {
      archive& external& excitation& inhibition& inhibition_by_v& keep_external& keep& probability& external_kicks;
      archive& outside& trace;
    }
  };
  static constexpr double no_mark_ = std::numeric_limits<double>::infinity();  ///< No neuron is refractory.
  static group make_group(const parameters& p, population q, double dt_ms);

  void move(group& g);
  void fire(const group& g);
  void grow(group& g, const std::array<int, 2>& spikes);
  void scale_pool(pool k, double factor);
  void add_targets(const state_layout& layout, pool k, std::span<std::int32_t> out) const;
  void add_to_any(std::vector<double>& h, int count);
  const std::vector<double>& trace(pool k) const;
  std::vector<double>& trace(pool k);

  parameters p_;
  step_clock clock_;
  event_generator random_;
  std::array<group, 2> groups_;
  std::vector<double> potential_;
  std::vector<step_spike> spikes_;
  std::int64_t events_ = 0;
};

}  // namespace spikesweep
