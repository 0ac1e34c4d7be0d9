#pragma once

#include <algorithm>

#include <spikesweep/base/random.hpp>
#include <spikesweep/network/parameters.hpp>
#include <spikesweep/network/state.hpp>

namespace spikesweep {

// Largest scales of a perturbation. They were chosen to cover the excursions that a surrogate in closed loop makes
// when its errors add up; each perturbation uses a uniform share of them.
inline constexpr double perturb_log_pool = 0.8;  ///< Standard deviation of the log of a pool's factor.
inline constexpr double perturb_shift = 10;      ///< Of the common shift of a population's potentials [kicks].
inline constexpr double perturb_jitter = 8;      ///< Of each potential's own shift [kicks].
inline constexpr double perturb_redraw = 0.2;    ///< Share of neurons drawn anew.
inline constexpr int perturb_redraw_lowest =
    -30;  ///< Redrawn potentials are uniform from here to the threshold [kicks].
inline constexpr double perturb_redraw_refractory = 0.3;  ///< Share of the redrawn that become refractory.

/// Scales the pending pools by random factors: scale(k, factor) scales pool k.
template <class Scale>
void perturb_pools(double strength, random_stream& stream, const Scale& scale) {
  for (int k = 0; k < pool_count; ++k) {
    const double log_factor = strength * perturb_log_pool * stream.normal();
    // exp() of libm is not the same on every CPU; a rational function of the same shape is.
    const double factor =
        log_factor >= 0 ? 1 + log_factor * (1 + 0.5 * log_factor) : 1 / (1 - log_factor * (1 - 0.5 * log_factor));
    scale(static_cast<pool>(k), factor);
  }
}

/// Perturbs a network, whatever it is kept in. `potential` holds those of all neurons, or `mark` where refractory;
/// scale(k, factor) scales pool k, and rest(neuron) takes up a refractory neuron into an empty list of them.
template <class Potential, class Scale, class Rest>
void perturb_network(const parameters& p, random_stream& stream, Potential* potential, Potential mark,
                     const Scale& scale, const Rest& rest) {
  const double strength = stream.uniform();
  perturb_pools(strength, stream, scale);
  const double shift[2] = {strength * perturb_shift * stream.normal(), strength * perturb_shift * stream.normal()};
  for (int i = 0; i < p.N_E + p.N_I; ++i) {
    auto& v = potential[i];
    if (stream.bernoulli(strength * perturb_redraw)) {
      const bool rests = p.refractory_ms() > 0 && stream.bernoulli(perturb_redraw_refractory);
      constexpr auto range = static_cast<std::uint32_t>(threshold_potential - perturb_redraw_lowest);
      v = rests ? mark : static_cast<Potential>(perturb_redraw_lowest + static_cast<int>(stream.below(range)));
    } else if (v != mark) {
      const double moved = v + shift[i < p.N_E ? 0 : 1] + strength * perturb_jitter * stream.normal();
      v = static_cast<Potential>(
          std::clamp(moved, static_cast<double>(reversal_potential), static_cast<double>(threshold_potential - 1)));
    }
    if (v == mark) {
      rest(i);
    }
  }
}

}  // namespace spikesweep
