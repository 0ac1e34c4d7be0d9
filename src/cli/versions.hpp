#pragma once

#include <string>

namespace spikesweep {

/// The versions of spikesweep, of the compiler and of every linked library, one a line.
std::string version_text();

}  // namespace spikesweep
