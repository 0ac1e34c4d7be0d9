#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include <spikesweep/base/random.hpp>
#include <spikesweep/learning/model.hpp>
#include <spikesweep/learning/precision.hpp>

namespace spikesweep {

/// One closed loop: where it stands, and its own randomness.
struct chain {
  parameters p;
  std::vector<double> values;           ///< Axis values where the law is looked up: its point's, shifted (input_shift).
  phase_kind phase = phase_kind::step;  ///< The phase that comes next.
  std::vector<std::int32_t> state;      ///< state_layout::size() counts.
  random_stream stream;
  float noise = 1;  ///< Scale of the noise of the law (noise_scale()).
};

/// One transition of a chain.
struct chain_step {
  phase_kind phase = phase_kind::step;
  double duration = 0;  ///< [s]
  std::int32_t spikes_E = 0;
  std::int32_t spikes_I = 0;
  std::vector<std::int32_t> times_E;  ///< E spikes in each part of the phase.
  std::vector<std::int32_t> times_I;  ///< I spikes in each part of the phase.
};

/// Advances every chain by one phase: state and phase of each chain change, steps[i] says what chain i did.
using kernel = std::function<void(std::span<chain> chains, std::span<chain_step> steps)>;

/// The phase that follows one.
phase_kind next_phase(phase_kind phase);

/// How many of `chains` chains the kernel for that number takes through the networks at a time.
int rows_at_a_time(int chains);

/// The kernel of a model: features, both networks, and the decoder. It takes any number of chains, and is fastest with
/// `count` of them. The bits of a chain depend neither on these numbers nor on the chains beside it. Keeps a reference
/// to the model.
kernel surrogate_kernel(const member_view& m, int count, precision numbers = precision::fp32);

/// Chains at one point, from the start states met nearest to it; chain i uses stream (seed, surrogate, id, i).
/// Throws input_error if a value is not allowed.
std::vector<chain> start_chains(const member_view& of, std::span<const double> values, int count, std::uint64_t seed,
                                std::uint32_t id);

/// Draws the neurons of a state anew for populations of the sizes of `p`. A state that has these sizes is unchanged.
void fit_population(const state_layout& layout, const parameters& p, double u, std::span<std::int32_t> state);

}  // namespace spikesweep
