#pragma once

#include <spikesweep/learning/model.hpp>
#include <spikesweep/store/hdf5.hpp>

namespace spikesweep {

/// Writes what one training has left, seed, weights, dispersion and history, into a group of a model file. The shapes
/// of the networks are `m`'s.
void write_member(hdf5::group& to, const model& m, const model_member& member);

/// Reads seed, weights and dispersion of a member, and the shapes of its networks. `m` needs its targets. Throws
/// input_error if its parts do not fit together.
model_member read_member(const hdf5::group& from, const model& m, mlp_shape& counts, mlp_shape& profile);

}  // namespace spikesweep
