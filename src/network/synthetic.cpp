#include "synthetic.hpp"

#include <cmath>
#include <numeric>

#include <spikesweep/base/dct.hpp>
#include <spikesweep/base/rounding.hpp>

namespace spikesweep {

excursion_kind draw_excursion(const sampling_settings& sampling, random_stream& stream) {
  const double place = static_cast<double>(stream.word()) * 0x1p-32;
  if (place < sampling.perturb_share) {
    return sampling.perturb_phases > 0 ? excursion_kind::perturbed : excursion_kind::none;
  }
  return place < sampling.perturb_share + sampling.synthetic_share ? excursion_kind::synthetic : excursion_kind::none;
}

parameters draw_other_parameters(const parameters& own, std::span<const swept_range> swept, random_stream& stream) {
  parameters other = own;
  for (const swept_range& range : swept) {
    const double value = range.minimum + (range.maximum - range.minimum) * stream.uniform();
    if (!range.parameter->whole()) {
      set_parameter(other, *range.parameter, value);
    }
  }
  if (own.tau_ref == 0) {
    other.tau_ref = 0;
  }
  return other;
}

void perturb_modes(std::span<std::int32_t> histogram, int first_mode, double strength, random_stream& stream) {
  const std::size_t n = histogram.size();
  const int total = std::accumulate(histogram.begin(), histogram.end(), 0);
  const std::vector<double> cosine = dct_cosines(n);
  const double scale = strength * std::sqrt(static_cast<double>(total) / static_cast<double>(n));
  const double norm = std::sqrt(2 / static_cast<double>(n));  // Of every mode but the constant one.
  // The transform is linear: that of the noise alone, transformed back, comes on top of the histogram.
  std::vector<double> counts(histogram.begin(), histogram.end());
  for (auto k = static_cast<std::size_t>(first_mode); k < n; ++k) {
    const double change = scale * norm * stream.normal();
    for (std::size_t b = 0; b < n; ++b) {
      counts[b] += change * cosine[k * (2 * b + 1) % (4 * n)];
    }
  }
  for (double& count : counts) {
    count = std::max(count, 0.0);
  }
  systematic_rounding(counts, total, stream.uniform(), histogram);
}

}  // namespace spikesweep
