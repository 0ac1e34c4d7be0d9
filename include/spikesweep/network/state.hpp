#pragma once

#include <cstdint>
#include <span>

#include <spikesweep/network/parameters.hpp>

namespace spikesweep {

/// Where a coarse-grained state keeps its numbers. A state is a row of size() counts:
/// [E cells | I cells | pending EE, IE, EI, II | targets EE | targets IE | targets EI | targets II], where the cells of
/// a population are its voltage bins, lowest first, then its refractory neurons, and the targets of a pool say how many
/// of its kicks are pending on the neurons in each of its target cells: wider voltage bins, then the refractory
/// neurons. The cells of a population sum to its size, and the targets of a pool to its pending kicks, always.
struct state_layout {
  int bin_width = 4;     ///< Width of a voltage bin [kicks]. Bins are aligned to the threshold; the lowest may be cut.
  int target_width = 0;  ///< Width of a target cell [kicks], aligned likewise; 0: states do not hold targets.

  /// Voltage bins of one population.
  int bins() const { return bins_of(bin_width); }
  /// Target cells of one pool.
  int target_cells() const { return target_width == 0 ? 0 : bins_of(target_width) + 1; }
  /// Voltage bins and the refractory cell.
  int cells() const { return bins() + 1; }
  int first_cell(population q) const { return q == population::E ? 0 : cells(); }
  int refractory_cell(population q) const { return first_cell(q) + bins(); }
  int first_pending() const { return 2 * cells(); }
  int pending(pool k) const { return first_pending() + static_cast<int>(k); }
  int first_target(pool k) const { return first_pending() + pool_count + static_cast<int>(k) * target_cells(); }
  int size() const { return first_pending() + pool_count * (1 + target_cells()); }
  /// The target cell, 0 to target_cells() - 2, of a membrane potential in [reversal_potential, threshold_potential).
  int target_cell_of(int potential) const {
    return bins_of(target_width) - 1 - (threshold_potential - 1 - potential) / target_width;
  }
  /// The bin, 0 to bins() - 1, of a membrane potential in [reversal_potential, threshold_potential).
  int bin_of(int potential) const { return bins() - 1 - (threshold_potential - 1 - potential) / bin_width; }
  /// Lowest potential of a bin (held at the reversal potential) and one past the highest.
  int bin_begin(int bin) const {
    const int begin = threshold_potential - (bins() - bin) * bin_width;
    return begin < reversal_potential ? reversal_potential : begin;
  }
  int bin_end(int bin) const { return threshold_potential - (bins() - bin - 1) * bin_width; }

  bool operator==(const state_layout&) const = default;

 private:
  static int bins_of(int width) { return (threshold_potential - reversal_potential + width - 1) / width; }
};

/// A coarse-grained state: state_layout::size() counts.
using state_view = std::span<const std::int32_t>;

/// Number of neurons of a population in a state.
int population_size(const state_layout& layout, state_view state, population q);

}  // namespace spikesweep
