#pragma once

#include <hdf5.h>

#include <spikesweep/store/hdf5.hpp>

namespace spikesweep::hdf5 {

/// Fixed-length UTF-8 text padded with zeros, or H5T_VARIABLE.
datatype_handle string_type(std::size_t size);

/// A scalar for an empty shape.
dataspace_handle space_of(const extent& shape);

}  // namespace spikesweep::hdf5
