#pragma once

#include <spikesweep/learning/model.hpp>
#include <spikesweep/store/hdf5.hpp>

namespace spikesweep {

/// Writes a member into a group of a model file: its seed, weights, dispersion, shift and history. `m` gives the shapes
/// of the networks.
void write_member(hdf5::group& to, const model& m, const model_member& member);

/// Reads the seed, weights, dispersion and shift of a member, and the shapes of its networks. `m` needs its space and
/// its targets. Throws input_error if the parts do not fit together.
model_member read_member(const hdf5::group& from, const model& m, mlp_shape& counts, mlp_shape& profile);

}  // namespace spikesweep
