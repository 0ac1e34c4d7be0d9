#pragma once

#include <spikesweep/network/parameters.hpp>

namespace spikesweep {

/// Networks of Cai, Wu, Tao, Xiao 2021, Front. Comput. Neurosci. 15:678688. Delays [ms].
inline parameters cai2021(double tau_EE, double tau_IE) {
  parameters p;
  p.S_EE = 5;
  p.S_IE = 2;
  p.S_EI = p.S_II = 4.91;
  p.inhibition = inhibition_kind::voltage_dependent;
  p.lambda_E = p.lambda_I = 7000;
  p.tau_EE = tau_EE;
  p.tau_IE = tau_IE;
  p.tau_EI = p.tau_II = 4.5;
  p.tau_ref = 2.5;
  return p;
}

inline parameters cai2021_small(double tau_EE) {
  parameters p = cai2021(tau_EE, 1.2);
  p.N_E = 75;
  p.N_I = 25;
  p.S_EE = p.S_EI = p.S_II = 20;
  p.S_IE = 8;
  p.tau_ref = 0;
  return p;
}

/// Discrete-time networks of Wu et al. 2023, Chaos 33:043121, as in configs/networks.
inline parameters wu2023(double x) {
  parameters p;
  p.model = network_model::discrete;
  p.P_EE = p.P_IE = p.P_EI = p.P_II = 0.7;
  p.S_EE = 0.75 / p.P_EE;
  p.S_IE = 1 / p.P_IE;
  p.S_EI = 4.91 * x / p.P_EI;
  p.S_II = 4.91 * 0.4 / p.P_II;
  p.S_ext = 0.9;
  p.inhibition = inhibition_kind::voltage_dependent;
  p.lambda_E = p.lambda_I = 7000;
  p.tau_EE = 1.4;
  p.tau_IE = 1.2;
  p.tau_EI = p.tau_II = 4.5;
  p.tau_ref = 0;
  return p;
}

}  // namespace spikesweep
