#pragma once

#include <cstddef>
#include <vector>

namespace spikesweep {

/// The cosines of a type-II discrete cosine transform of `cells` values, in as many modes: that of mode k at cell c is
/// element k (2 c + 1) mod (4 cells), cos(pi k (2 c + 1) / (2 cells)). The same bits on every machine.
std::vector<double> dct_cosines(std::size_t cells);

}  // namespace spikesweep
