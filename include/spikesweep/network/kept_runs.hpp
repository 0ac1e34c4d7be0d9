#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include <spikesweep/network/spectrum.hpp>
#include <spikesweep/network/statistics.hpp>
#include <spikesweep/network/trajectory.hpp>

namespace spikesweep {

/// How figures look at runs.
struct figure_settings {
  double bin_s = 1e-3;                         ///< Bin of the runs' counts [s].
  double segment_s = usual_segment_s;          ///< Welch segment of the spectrum [s].
  frequency_band peak_band = usual_peak_band;  ///< Where the spectral peak is sought.
  /// Called before each figure, if there is one. The figures of long runs take a while: it may throw to end that.
  std::function<void()> before_each = {};
};

/// Which of the batches of runs count.
struct batch_choice {
  int batch = -1;      ///< -1: all count.
  bool alone = false;  ///< This one alone, and not all but this one.
};

/// Runs of one network that count as one run, and what figures take from all of them together. A run consists of its
/// batches (trajectory::batches_E; very many are taken together): windows, segments and phases belong to the batch in
/// which they begin. Each part is put together when somebody first asks for it. Refers to the runs and to the network,
/// which have to outlive it. One object, with those that without() makes of it, is for one thread.
class kept_runs {
 public:
  /// At least one run.
  kept_runs(std::span<const trajectory> runs, const parameters& p, const figure_settings& settings = {});

  std::span<const trajectory> runs() const { return runs_; }
  const parameters& network() const { return *network_; }
  const figure_settings& settings() const { return settings_; }
  /// One of the runs ran away: no figure is defined.
  bool runaway() const;
  /// All runs were cut into phases; all keep every spike of an exact run.
  bool have_phases() const;
  bool have_spikes() const;

  /// Batches of all runs together.
  int batches() const;
  /// The same runs but for one batch, which counts for nothing. It shares what has been put together.
  kept_runs without(int batch) const;
  /// Whether each run is one batch, and none keeps every spike: then each can stand alone.
  bool runs_are_batches() const;
  /// One of the runs, likewise. Throws internal_error unless runs_are_batches().
  kept_runs alone(int run) const;

  /// Length of all runs [s].
  double seconds() const;
  double spikes(population q) const;
  /// Counts of spikes in consecutive windows [s], which are whole numbers of bins; empty if they cannot be.
  moments counts(population q, double window_s) const;
  /// Spikes of phases, and intervals from one to the next [s].
  moments phase_sizes() const;
  moments phase_intervals() const;
  /// Spectrum of the E rate per neuron [Hz^2/Hz].
  const spectrum& power() const;
  const spectral_peak& peak() const;
  /// Covariance of the E count of a bin with the I count of a bin so many bins later, from -`reach` to `reach` bins,
  /// over all bins.
  std::vector<double> covariance_E_I(int reach) const;
  /// Of every spike, the share of all neurons that fire about it; needs have_spikes(), as what follows.
  moments synchrony() const;
  /// Intervals from spike to spike of each neuron of a population [s].
  std::vector<moments> spike_intervals(population q) const;
  /// Mean correlation, over the pairs of neurons of a population, of their counts in consecutive windows [s]. Neurons
  /// with constant counts have none. NaN without a pair.
  double pair_correlation(population q, double window_s) const;

  /// Of all runs, one run after another, whatever is left out; see trajectory.
  std::vector<double> all_sizes() const;
  std::vector<double> all_intervals() const;

 private:
  struct parts;

  kept_runs with_choice(batch_choice choice) const;

  std::span<const trajectory> runs_;
  const parameters* network_;
  figure_settings settings_;
  std::shared_ptr<parts> parts_;
  batch_choice choice_;
  mutable std::optional<spectrum> power_;
  mutable std::optional<spectral_peak> peak_;
};

}  // namespace spikesweep
