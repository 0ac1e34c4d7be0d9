#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <spikesweep/base/random.hpp>
#include <spikesweep/network/parameters.hpp>
#include <spikesweep/network/state.hpp>
#include <spikesweep/network/task.hpp>

#include "perturbation.hpp"

namespace spikesweep {

/// What starts at a section of a network's own trajectory, before the next phase of its own.
enum class excursion_kind { none, perturbed, synthetic };
excursion_kind draw_excursion(const sampling_settings& sampling, random_stream& stream);

/// Parameters of another point of the swept ranges, uniform in each. The populations keep their sizes, and a network
/// without a refractory time stays without: nothing would ever release its neurons when it is itself again.
parameters draw_other_parameters(const parameters& own, std::span<const swept_range> swept, random_stream& stream);

/// Adds noise to the modes from `first_mode` on of a histogram's type-II DCT, and rounds to whole neurons: none below
/// 0, and as many in all as before. The noise of each mode (of the orthonormal transform) is normal, its scale
/// `strength` times the square root of the mean count: that of the Poisson scatter of a cell.
void perturb_modes(std::span<std::int32_t> histogram, int first_mode, double strength, random_stream& stream);

/// Makes a synthetic state of what a network came to under other parameters, whatever it is kept in (as in
/// perturb_network()): pending pools are scaled as in a perturbation, and the high modes of both voltage histograms
/// perturbed; neurons move, as few as possible, to where they are in their new bins uniformly. A common strength,
/// uniform in [0, 1], scales all of it. Refractory neurons stay so.
template <class Potential, class Scale>
void synthesize_network(const parameters& p, const state_layout& layout, int first_mode, random_stream& stream,
                        Potential* potential, Potential mark, const Scale& scale) {
  const double strength = stream.uniform();
  perturb_pools(strength, stream, scale);
  const auto bins = static_cast<std::size_t>(layout.bins());
  for (const population q : {population::E, population::I}) {
    const std::span<Potential> of_population(potential + (q == population::E ? 0 : p.N_E),
                                             static_cast<std::size_t>(p.size(q)));
    const auto bin_at = [&](Potential v) {
      return static_cast<std::size_t>(layout.bin_of(static_cast<int>(std::floor(v))));
    };
    std::vector<std::int32_t> left(bins, 0);
    for (const Potential v : of_population) {
      if (v != mark) {
        ++left[bin_at(v)];
      }
    }
    std::vector<std::int32_t> wanted = left;
    perturb_modes(wanted, first_mode, strength, stream);
    std::vector<std::int32_t> surplus(bins);
    std::vector<int> places;  // Bins of those that move.
    for (std::size_t b = 0; b < bins; ++b) {
      surplus[b] = std::max(left[b] - wanted[b], 0);
      places.insert(places.end(), static_cast<std::size_t>(std::max(wanted[b] - left[b], 0)), static_cast<int>(b));
    }
    for (Potential& v : of_population) {
      if (v == mark) {
        continue;
      }
      const std::size_t b = bin_at(v);
      // Of those left in the bin, each is as likely to go.
      const bool goes =
          surplus[b] > 0 && stream.below(static_cast<std::uint32_t>(left[b])) < static_cast<std::uint32_t>(surplus[b]);
      --left[b];
      if (!goes) {
        continue;
      }
      --surplus[b];
      shuffle_step(places, places.size(), stream);
      const int begin = layout.bin_begin(places.back());
      const int width = layout.bin_end(places.back()) - begin;
      places.pop_back();
      if constexpr (std::integral<Potential>) {
        v = static_cast<Potential>(begin + static_cast<int>(stream.below(static_cast<std::uint32_t>(width))));
      } else {
        v = begin + width * stream.uniform();
      }
    }
  }
}

}  // namespace spikesweep
