#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <spikesweep/network/parameters.hpp>
#include <spikesweep/network/section.hpp>
#include <spikesweep/network/simulation.hpp>
#include <spikesweep/network/transition.hpp>

namespace spikesweep {

/// What the transitions of a sweep consist of, and which parameters the sweep varies. Fixed before training.
struct transition_space {
  transition_layout layout;
  section_settings section;
  simulation_settings simulation;  ///< How the network was simulated.
  parameters base;                 ///< Parameters that are not swept keep these values.
  std::vector<std::string> axes;   ///< Swept parameters.
  std::vector<double> axis_min;    ///< Smallest value of each axis over the training points.
  std::vector<double> axis_max;    ///< Largest value of each axis over the training points.
  std::vector<double> box_min;     ///< Lower end of each axis of the design; empty: axis_min.
  std::vector<double> box_max;     ///< Upper end of each axis of the design; empty: axis_max.

  /// Whether the law has to learn durations. With section `interval` all durations are equal.
  bool learns_duration() const { return section.kind != section_kind::interval; }

  /// The range of an axis that the surrogate stands for: that of the design, whose points need not reach its ends.
  std::pair<double, double> range(std::size_t axis) const {
    return axis < box_min.size() ? std::pair(box_min[axis], box_max[axis]) : std::pair(axis_min[axis], axis_max[axis]);
  }

  bool operator==(const transition_space&) const = default;
};

/// The base parameters with the axes set to `values`, one value for each axis. Throws input_error if a value is not
/// allowed.
parameters parameters_at(const transition_space& space, std::span<const double> values);

/// How far `values` lie outside the ranges of the axes (transition_space::range): for each axis the excess over its
/// range in units of that range, and of these the largest; 0 inside the ranges. For an axis that was not varied any
/// other value is infinitely far.
double distance_to_training(const transition_space& space, std::span<const double> values);

/// The squared distance of two points, one value for each axis in `a` and in `b`, where each axis is measured in units
/// of its trained range. On an axis that was not varied, points with other values are infinitely far from each other.
double squared_axis_distance(const transition_space& space, std::span<const double> a, std::span<const double> b);

/// Spikes of E and I, then the four pools of pending kicks after the phase.
inline constexpr int count_dims = 2 + pool_count;

/// Centres of a transition: the mean cell of E and of I neurons after it, and the mean time of E and of I spikes.
inline constexpr int centre_dims = 4;
/// Numbers that dequantise a target: one for each count and each centre.
inline constexpr int dequantised_dims = count_dims + centre_dims;

/// Mean and standard deviation of each column of a matrix.
struct column_statistics {
  std::vector<double> mean;
  std::vector<double> deviation;  ///< Never zero: a column that is almost constant gets a small positive value.
};

/// Makes the inputs of the surrogate's networks. First come the features of the state: for each population the square
/// roots of the shares of its neurons in its cells, then each pending count as a logarithm and in units of the fan-out.
/// The values of the axes follow, scaled to [-1, 1]. The phase is last, +1 for active and -1 for quiet; there is none
/// if all phases are steps. All features are standardised and kept within +-feature_bound.
class feature_map {
 public:
  feature_map() = default;
  explicit feature_map(const transition_space& space);

  int size() const { return size_; }

  /// Writes the size() raw features of one state, not yet standardised. `p` and `axis_values` belong to the state's
  /// point.
  void raw(const parameters& p, std::span<const double> axis_values, phase_kind phase, state_view state,
           std::span<float> out) const;
  /// Standardises raw features in place.
  void standardise(std::span<float> features) const;

  void set_statistics(column_statistics statistics);
  const column_statistics& statistics() const { return statistics_; }

 private:
  transition_space space_;
  int size_ = 0;
  column_statistics statistics_;
  std::vector<float> mean_;   ///< Means of the statistics.
  std::vector<float> scale_;  ///< Inverse deviations.
};

/// Makes the targets of the law, and samples from them. A count n becomes y = sqrt(n + u) with u in [0, 1), so that
/// floor(y^2) = n; a duration becomes its logarithm. The centre of n neurons (or spikes) in k cells becomes
/// (s + u) / (n (k - 1) + 1), where s is the sum of the numbers of their cells, counted from 0: so it is in (0, 1), and
/// uniform where n = 0. All are standardised. Samples are kept within the extremes that the training rows of the same
/// phase have.
class target_map {
 public:
  target_map() = default;
  /// Models of older versions have no `centres`.
  explicit target_map(const transition_space& space, bool centres = true);

  /// Dimensions of the mixture: count_dims, one more for the log duration if it is learnt, and the centres.
  int dims() const { return first_centre() + (has_centres_ ? centre_dims : 0); }
  /// The first dimension of the centres; dims() if there are none.
  int first_centre() const { return count_dims + (learns_duration_ ? 1 : 0); }
  /// Sizes of the softmax groups of the profile, in this order: E cells, I cells, E spike times, I spike times, and the
  /// target cells of each pool if states hold them.
  std::vector<int> groups() const;
  int profile_size() const;

  /// Writes the raw target of one transition: square roots of the counts plus `u`, then the log duration if it is
  /// learnt, then the centres of the counts in the cells of the profile (`profile`: profile_size() values, needed for
  /// centres only). `u`: dequantised_dims values.
  void raw(std::span<const std::int32_t> counts, double duration, std::span<const float> profile,
           std::span<const double> u, std::span<double> out) const;
  void standardise(std::span<const double> raw, std::span<float> out) const;
  /// Turns a standardised sample into count_dims counts and the duration that it returns [s], both kept within the
  /// extremes of the phase.
  double decode(phase_kind phase, std::span<const double> sample, std::span<std::int32_t> counts) const;
  /// What the profile's network is told of a transition with these counts and this duration, whose centres are those of
  /// a standardised sample: `sample` with the first dimensions replaced, and centres kept within their extremes.
  void condition(phase_kind phase, std::span<const std::int32_t> counts, double duration,
                 std::span<const double> sample, std::span<float> out) const;

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
  bool has_centres_ = false;
  double fixed_duration_ = 0;  ///< The duration if it is not learnt [s].
  column_statistics statistics_;
  std::array<extremes, phase_kind_count> bounds_;
};

}  // namespace spikesweep
