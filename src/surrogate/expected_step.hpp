#pragma once

#include <span>

#include <spikesweep/learning/model.hpp>
#include <spikesweep/surrogate/kernel.hpp>

namespace spikesweep {

/// Makes a step of a chain from what is expected of it: `counts` (count_dims values), the duration [s], and the shares
/// of each group of the profile (target_map::groups(); each group up to a factor). Counts are rounded at random to
/// whole numbers of the right mean; shares are rounded to whole neurons and spikes, so that populations are conserved.
void take_expected_step(const model& m, std::span<const double> counts, double duration,
                        std::span<const double> profile, chain& c, chain_step& step);

}  // namespace spikesweep
