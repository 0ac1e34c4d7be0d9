#pragma once

#include <cstdint>
#include <span>

#include <spikesweep/network/parameters.hpp>

namespace spikesweep {

/// Where a coarse-grained state keeps its numbers. A state is a row of size() counts:
/// [E cells | I cells | pending EE, IE, EI, II], where the cells of a population are its voltage bins, lowest first,
/// then its refractory neurons. The cells of a population sum to its size, always.
struct state_layout {
  int bin_width = 4;  ///< Width of a voltage bin [kicks]. Bins are aligned to the threshold; the lowest may be cut.

  /// Voltage bins of one population.
  int bins() const { return (threshold_potential - reversal_potential + bin_width - 1) / bin_width; }
  /// Voltage bins and the refractory cell.
  int cells() const { return bins() + 1; }
  int first_cell(population q) const { return q == population::E ? 0 : cells(); }
  int refractory_cell(population q) const { return first_cell(q) + bins(); }
  int first_pending() const { return 2 * cells(); }
  int pending(pool k) const { return first_pending() + static_cast<int>(k); }
  int size() const { return first_pending() + pool_count; }
  /// The bin, 0 to bins() - 1, of a membrane potential in [reversal_potential, threshold_potential).
  int bin_of(int potential) const { return bins() - 1 - (threshold_potential - 1 - potential) / bin_width; }
  /// Lowest potential of a bin (held at the reversal potential) and one past the highest.
  int bin_begin(int bin) const {
    const int begin = threshold_potential - (bins() - bin) * bin_width;
    return begin < reversal_potential ? reversal_potential : begin;
  }
  int bin_end(int bin) const { return threshold_potential - (bins() - bin - 1) * bin_width; }

  bool operator==(const state_layout&) const = default;
};

/// A coarse-grained state: state_layout::size() counts.
using state_view = std::span<const std::int32_t>;

/// Number of neurons of a population in a state.
int population_size(const state_layout& layout, state_view state, population q);

}  // namespace spikesweep
