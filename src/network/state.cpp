#include <numeric>

#include <spikesweep/network/state.hpp>

namespace spikesweep {

int population_size(const state_layout& layout, state_view state, population q) {
  const auto cells =
      state.subspan(static_cast<std::size_t>(layout.first_cell(q)), static_cast<std::size_t>(layout.cells()));
  return std::accumulate(cells.begin(), cells.end(), 0);
}

}  // namespace spikesweep
