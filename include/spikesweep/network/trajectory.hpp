#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include <spikesweep/network/phases.hpp>
#include <spikesweep/network/simulators.hpp>

namespace spikesweep {

/// How long a trajectory is followed and what is kept of it.
struct trajectory_settings {
  double duration_s = 10;  ///< After the burn-in [s].
  double burn_in_s = 0.5;  ///< Left out [s].
  double bin_s = 1e-3;     ///< Bin of the count series [s].
  double raster_s = 0;     ///< Stretch of single spikes to keep [s].
  int batches = 1;         ///< Equal pieces of the duration. The spikes of each piece are also counted apart.
};

/// The number of batches in each of `runs` runs of `run_s` [s] that count as one: together at least as many as tell a
/// standard error, but none so short that rhythms make its ends noisy.
int batches_of(int runs, double run_s);

/// What is kept of a run of one network, exact or surrogate.
struct trajectory {
  double duration_s = 0;  ///< Length of the run without its burn-in [s].
  std::int64_t spikes_E = 0;
  std::int64_t spikes_I = 0;
  std::vector<double> counts_E;   ///< E spikes in each bin.
  std::vector<double> counts_I;   ///< I spikes in each bin.
  std::vector<double> batches_E;  ///< E spikes in each batch.
  std::vector<double> batches_I;  ///< I spikes in each batch.
  std::vector<double> sizes;      ///< Spikes of each phase that is not quiet.
  std::vector<double> begins;     ///< Its start [s].
  std::vector<double> intervals;  ///< From the start of one active phase to the next [s]. Steps have none.
  bool phases = true;             ///< The run was cut into phases.
  bool steps = false;             ///< The phases are steps of one length, so their rate says nothing.
  /// The run passed max_pending_limit pending kicks, or a law gave a phase without a length; the rest means nothing.
  bool runaway = false;
  std::vector<spike_record> raster;  ///< Spikes of the first raster_s seconds. The neurons of a surrogate are drawn.
  bool every_spike = false;          ///< The raster holds every spike of an exact run.
  double raster_begin_s = 0;         ///< The start of the run on the clock of the raster [s].
};

/// Where the spikes of a surrogate's steps fall. Single spikes have a stream of their own, so keeping them changes
/// nothing else.
class spike_places {
 public:
  spike_places(const parameters& p, std::uint64_t seed)
      : time(seed, purpose::spike_times),
        bin_I(seed, purpose::spike_times, 1),
        single(seed, purpose::raster),
        N_E_(p.N_E),
        N_I_(p.N_I) {}

  /// A neuron of a population, drawn if its spike is to be kept.
  int neuron(population q, bool kept) {
    const int first = q == population::E ? 0 : N_E_;
    const int size = q == population::E ? N_E_ : N_I_;
    return kept ? first + static_cast<int>(single.below(static_cast<std::uint32_t>(size))) : first;
  }

  random_stream time;    ///< Of spikes whose bin is not certain.
  random_stream bin_I;   ///< The bins of such I spikes where nothing else needs their times.
  random_stream single;  ///< Times and neurons of single spikes.

 private:
  int N_E_;
  int N_I_;
};

/// Collects one trajectory from its phases and spikes.
class trajectory_recorder {
 public:
  trajectory_recorder(const trajectory_settings& settings, int N_E);

  /// Time since the start of the run, burn-in included [s].
  double time() const { return time_; }
  bool finished() const;

  /// One spike of an exact run, at a time since the start of the run [s].
  void spike(double time, int neuron);
  /// One phase of an exact run. It begins where the last one ended.
  void phase(phase_kind kind, double duration, std::int64_t spikes);
  /// One phase of a surrogate. The spikes are counted in equal parts of the phase: times_E and times_I, as many of one
  /// as of the other.
  void step(phase_kind kind, double duration, std::int64_t spikes, std::span<const std::int32_t> times_E,
            std::span<const std::int32_t> times_I, spike_places& places);
  void run_away() { out_.runaway = true; }

  trajectory take();

 private:
  void show(double t, int neuron);
  void count_in_bin(std::vector<double>& counts, std::size_t bin, int n) const;
  void count_in_batch(std::vector<double>& batches, double t, int n) const;
  void part(int n, population q, double from, double to, spike_places& places);
  void bins_I(int n, double begin, double end, spike_places& places);

  trajectory_settings settings_;
  int N_E_;
  std::size_t bins_;
  double bins_per_s_;
  double time_ = 0;
  double last_begin_ = 0;
  bool seen_ = false;  ///< A phase has been recorded.
  trajectory out_;
};

/// Follows networks through their own simulator, all for the same length. One trajectory a network, in their order.
/// Returns none if `poll`, called many times a second, returned false. The networks have to share their seed and model.
std::vector<trajectory> run_exact(std::span<const network_task> networks, const section_settings& section,
                                  const simulation_settings& simulation, const trajectory_settings& settings,
                                  const std::function<bool()>& poll = {});

/// The trajectory of an exact run of which nothing but its spikes in [begin, end) seconds is known, in order of time.
/// It keeps every spike at its own time, and has no phases.
trajectory trajectory_of(std::vector<spike_record> spikes, const parameters& p, double begin, double end,
                         double bin_s = 1e-3, int batches = 1);

}  // namespace spikesweep
