#pragma once

#include <functional>
#include <span>
#include <vector>

#include <spikesweep/network/trajectory.hpp>
#include <spikesweep/surrogate/kernel.hpp>

namespace spikesweep {

/// Called before each step of a kernel with all chains. `finished(i)`: chain i has run its length, and goes on
/// unrecorded until all have.
using chain_observer =
    std::function<void(std::span<const chain> chains, const std::function<bool(std::size_t)>& finished)>;

/// Whether the work is to end now. Asked many times a second. If it says so, the work throws interrupted_error.
using stop_check = std::function<bool()>;

/// Throws interrupted_error if the check says so; an empty check never does.
void stop_if_asked(const stop_check& stop);

/// Follows chains of a kernel, all for the same length. One trajectory a chain. Throws interrupted_error if `stop` says
/// so.
std::vector<trajectory> run_closed_loop(const kernel& step, std::vector<chain>& chains,
                                        const trajectory_settings& settings, const chain_observer& observer = {},
                                        const stop_check& stop = {});

/// The paper's hybrid (Zhang et al. 2024, section 2.3): the network is simulated exactly in its quiet phases and the
/// kernel jumps over the active ones. This function coarse-grains the state before a jump and draws a microscopic state
/// after it. Throws input_error for a model of section `interval`, which has no quiet phases, and interrupted_error if
/// `stop` says so.
trajectory run_hybrid(const model& m, const kernel& step, chain start, const trajectory_settings& settings,
                      const stop_check& stop = {});

}  // namespace spikesweep
