#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <spikesweep/network/parameters.hpp>
#include <spikesweep/network/section.hpp>
#include <spikesweep/network/simulation.hpp>
#include <spikesweep/network/transition.hpp>

namespace spikesweep {

/// What a transition is made of, and over which parameters: fixed by the sweep, before anything is learnt.
struct transition_space {
  transition_layout layout;
  section_settings section;
  simulation_settings simulation;  ///< How the network was simulated.
  parameters base;                 ///< Parameters that are not swept keep these values.
  std::vector<std::string> axes;   ///< Swept parameters.
  std::vector<double> axis_min;    ///< Smallest and
  std::vector<double> axis_max;    ///< largest value of each axis over the training points.

  /// With `interval` every duration is the same and is not learnt.
  bool learns_duration() const { return section.kind != section_kind::interval; }

  bool operator==(const transition_space&) const = default;
};

/// Base parameters with the axes set to `values` (one an axis). Throws input_error if a value is not allowed.
parameters parameters_at(const transition_space& space, std::span<const double> values);

/// How far `values` lie outside the trained ranges: the largest excess over an axis's range, in units of that range; 0
/// inside. An axis that was not varied counts any change as infinitely far.
double distance_to_training(const transition_space& space, std::span<const double> values);

/// Spikes of E and I, then the four pools of pending kicks after the phase.
inline constexpr int count_dims = 2 + pool_count;

/// Mean and standard deviation of each of some columns, and their extremes.
struct column_statistics {
  std::vector<double> mean;
  std::vector<double> deviation;  ///< Never zero: held above a floor that stands for "constant".
};

/// The inputs of the surrogate's networks. Of a state: square roots of each population's shares in its cells, log and
/// linear pending counts (the latter in fan-outs); then the axes' values scaled to [-1, 1], and the phase, +1 active
/// and -1 quiet, unless all phases are steps. All standardised and held within +-feature_bound.
class feature_map {
 public:
  feature_map() = default;
  explicit feature_map(const transition_space& space);

  int size() const { return size_; }

  /// Writes the raw features (size() values) of one state, before standardising. `p` and `axis_values` are of its
  /// point.
  void raw(const parameters& p, std::span<const double> axis_values, phase_kind phase, state_view state,
           std::span<float> out) const;
  /// Standardises raw features in place.
  void standardise(std::span<float> features) const;

  void set_statistics(column_statistics statistics) { statistics_ = std::move(statistics); }
  const column_statistics& statistics() const { return statistics_; }

 private:
  transition_space space_;
  int size_ = 0;
  column_statistics statistics_;
};

/// The targets of the law. Counts are dequantised, y = sqrt(n + u) with u in [0, 1), so that floor(y^2) = n; durations
/// are logarithms; both standardised. Samples are held within the extremes of the training rows, by phase.
class target_map {
 public:
  target_map() = default;
  explicit target_map(const transition_space& space);

  /// Dimensions of the mixture: count_dims, and the log duration where it is learnt.
  int dims() const { return count_dims + (learns_duration_ ? 1 : 0); }
  /// Sizes of the softmax groups of the profile: E cells, I cells, E spike times, I spike times.
  std::array<int, 4> groups() const;
  int profile_size() const;

  /// Raw target of one transition: dequantised square roots with u from `u` (count_dims values), then log duration.
  void raw(std::span<const std::int32_t> counts, double duration, std::span<const double> u,
           std::span<double> out) const;
  void standardise(std::span<const double> raw, std::span<float> out) const;
  /// The counts (count_dims) and the duration [s] of a standardised sample, held within the phase's extremes.
  double decode(phase_kind phase, std::span<const double> sample, std::span<std::int32_t> counts) const;

  struct extremes {
    std::vector<double> lowest;  ///< dims() values: counts, log duration.
    std::vector<double> highest;
  };
  void set_statistics(column_statistics statistics, std::array<extremes, phase_kind_count> bounds);
  const column_statistics& statistics() const { return statistics_; }
  const std::array<extremes, phase_kind_count>& bounds() const { return bounds_; }

 private:
  transition_layout layout_;
  bool learns_duration_ = false;
  double fixed_duration_ = 0;  ///< [s], where it is not learnt.
  column_statistics statistics_;
  std::array<extremes, phase_kind_count> bounds_;
};

}  // namespace spikesweep
