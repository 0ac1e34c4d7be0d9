#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include <spikesweep/network/statistics.hpp>
#include <spikesweep/network/task.hpp>
#include <spikesweep/surrogate/kernel.hpp>

namespace spikesweep {

/// How long a trajectory is followed and what is kept of it.
struct trajectory_settings {
  double duration_s = 10;  ///< After the burn-in [s].
  double burn_in_s = 0.5;  ///< Left out [s].
  double bin_s = 1e-3;     ///< Bin of the E-count series [s].
  double raster_s = 0;     ///< Stretch of single spikes to keep [s].
  int batches = 1;         ///< Equal pieces of the duration whose spikes are also counted apart.
};

/// What is kept of a run of one network, exact or surrogate.
struct trajectory {
  double duration_s = 0;  ///< Length that the rest is about [s].
  std::int64_t spikes_E = 0;
  std::int64_t spikes_I = 0;
  std::vector<double> counts_E;      ///< E spikes in each bin.
  std::vector<double> batches_E;     ///< E spikes in each batch.
  std::vector<double> batches_I;     ///< I spikes in each batch.
  std::vector<double> sizes;         ///< Spikes of each phase that is not quiet.
  std::vector<double> intervals;     ///< From the start of one active phase to the next [s]; of steps none.
  bool steps = false;                ///< Its phases are steps of one length: their rate says nothing.
  bool runaway = false;              ///< It passed max_pending_limit pending kicks; the rest means nothing.
  std::vector<spike_record> raster;  ///< Spikes of the first raster_s seconds; a surrogate's neurons are drawn.
};

/// Follows chains of a kernel, all for the same length. One trajectory a chain.
std::vector<trajectory> run_closed_loop(const kernel& step, std::vector<chain>& chains,
                                        const trajectory_settings& settings);

/// Follows networks through their own simulator, all for the same length. One trajectory a network, in their order.
/// Returns none if `poll`, called many times a second, returned false. The networks have to share their seed and model.
std::vector<trajectory> run_exact(std::span<const network_task> networks, const section_settings& section,
                                  const simulation_settings& simulation, const trajectory_settings& settings,
                                  const std::function<bool()>& poll = {});

/// The paper's hybrid (Zhang et al. 2024, section 2.3): the network is simulated exactly in its quiet phases and the
/// kernel jumps over the active ones. Coarse-graining before a jump and drawing a microscopic state after it are this
/// function's. The section must not be `interval`.
trajectory run_hybrid(const model& m, const kernel& step, chain start, const trajectory_settings& settings);

/// Names of the figures of a run, in the order of run_figures::values.
std::span<const std::string> figure_names();
/// Unit of each.
std::span<const std::string> figure_units();

/// The figures by which runs are compared, over all trajectories of a run at one point.
struct run_figures {
  double rate_E_hz = 0;
  double rate_I_hz = 0;
  double phase_rate_hz = 0;  ///< Phases that are not quiet, per second; NaN for steps.
  double size_mean = 0;      ///< Spikes of such a phase.
  double size_cv = 0;
  double interval_mean_s = 0;  ///< From start to start.
  double interval_cv = 0;
  double fano_E_1ms = 0;  ///< Fano factor of the binned E counts.
  double peak_hz = 0;     ///< Peak of the E-rate spectrum.

  std::vector<double> values() const;
  /// The other way round; as many values as figures.
  static run_figures of(std::span<const double> values);
};

/// `bin_s`: bin of the counts [s]; `segment_s`: Welch segment [s]. All NaN if one of the runs ran away.
run_figures figures_of(std::span<const trajectory> runs, const parameters& p, double bin_s, double segment_s);

/// Spectrum of the E rate per neuron [Hz^2/Hz].
spectrum rate_spectrum(std::span<const trajectory> runs, const parameters& p, double bin_s, double segment_s);

}  // namespace spikesweep
