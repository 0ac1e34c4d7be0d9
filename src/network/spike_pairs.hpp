#pragma once

#include <vector>

#include <spikesweep/network/kept_runs.hpp>

#include "batched.hpp"

namespace spikesweep {

/// Counts of a population's neurons in windows, of exact runs that keep every spike. Most counts are 0 and not stored.
class neuron_counts {
 public:
  neuron_counts(std::span<const trajectory> runs, const batch_places& places, const parameters& p, population q,
                double window_s);

  /// See kept_runs::pair_correlation. `left_out`: a batch whose windows do not count; -1: none.
  double mean_correlation(int left_out) const;

 private:
  struct count {
    int window;
    int neuron;
    double spikes;
  };

  std::size_t neurons_;
  std::vector<int> batch_;     ///< Of each window.
  std::vector<count> counts_;  ///< By window.
};

/// Intervals from spike to spike of each neuron of a population [s]. They belong to the batch of the later spike.
batched<sum_list<moments>> intervals_of_neurons(std::span<const trajectory> runs, const batch_places& places,
                                                const parameters& p, population q);

/// Of every spike, the share of all neurons that fire about it: see spike_synchrony_index.
batched<moments> shares_about_spikes(std::span<const trajectory> runs, const batch_places& places, const parameters& p);

}  // namespace spikesweep
