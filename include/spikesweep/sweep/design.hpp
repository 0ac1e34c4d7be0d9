#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <spikesweep/base/setting.hpp>
#include <spikesweep/network/parameters.hpp>
#include <spikesweep/store/points.hpp>

namespace spikesweep {

/// Most points of a design, replicates of a point, and steps of an axis.
inline constexpr int design_limit = 1'000'000;

/// How points are placed on the axes.
enum class design_kind {
  grid,             ///< Every combination of the axes' values.
  list,             ///< The i-th point takes the i-th value of every axis.
  latin_hypercube,  ///< `points` points, one in each of as many slices of every axis.
  sobol             ///< `points` points of the Sobol sequence (Joe & Kuo 2008, Boost.Random's table), randomly shifted.
};

std::string_view name_of(design_kind kind);

/// A swept parameter. `grid` and `list` use values; `latin_hypercube` and `sobol` use minimum and maximum, as does
/// `grid` when values is empty (then `steps` equal steps, both ends included).
struct axis_settings {
  std::string parameter;
  std::vector<double> values;
  double minimum = 0;
  double maximum = 0;
  int steps = 0;

  bool operator==(const axis_settings&) const = default;
};

/// A point by itself: a value for each axis.
using named_point = std::map<std::string, double>;

/// The points that a design begins with, whatever its kind: those of a file, or those of a sweep before it grew.
struct first_points {
  std::vector<std::string> axes;    ///< Of the columns of `values`.
  decltype(design::points) values;  ///< points x axes
  std::vector<point_role> roles;    ///< One a point; empty: drawn like those of the other points.

  int size() const { return static_cast<int>(values.rows()); }
  bool operator==(const first_points&) const;
};

struct design_settings {
  design_kind kind = design_kind::sobol;
  int points = 200;           ///< `latin_hypercube` and `sobol`: number of points, those of `first` included.
  int replicates = 1;         ///< Tasks of each point.
  int selection_points = 12;  ///< Points held out of training to select the model.
  int test_points = 12;       ///< Points held out of training and selection, for validation.
  std::vector<axis_settings> axes;
  std::string points_file;                ///< Where `first` is from; empty: from no file.
  first_points first;                     ///< Points that come before all others.
  std::vector<named_point> train_at;      ///< More points to train on, wherever the design places its own.
  std::vector<named_point> selection_at;  ///< More points held out to select the model.
  std::vector<named_point> test_at;       ///< More points held out for validation.

  bool operator==(const design_settings&) const = default;
};

/// The settings of a design that are single values: keys of [design]. Axes and points by their values are lists.
std::span<const setting<design_settings>> design_table();

/// The lowest and highest value of an axis.
std::pair<double, double> range_of(const axis_settings& axis);

/// How many points the kind of design places, after those that come first and with them.
double design_size(const design_settings& settings);

/// How many of so many points are held out to select the model, and as many again for validation, where the config does
/// not say: a tenth, at least 1 and at most 12; none of fewer than 5.
int usual_held_out(double points);

/// The range of every axis, which synthetic states come from: the same however many points there are.
std::vector<swept_range> swept_ranges(const design_settings& settings);

/// What is wrong with a point by itself, such as "lacks the axis tau_IE"; empty if nothing is. It has to have a value
/// of every axis, within the axis's range, and of nothing else.
std::string fault_of(const named_point& point, const std::vector<axis_settings>& axes);

/// Places the points: those that come first, those of the kind of design, then train_at, selection_at and test_at. A
/// function of its arguments alone. Values of parameters that have to be whole are rounded. No two points are the same:
/// what stands among the first is not placed again.
///
/// A `sobol` design fills up what the first points leave: each of them stands for one point of the sequence within the
/// smallest box that holds them. So it goes on with the sequence where the ranges are the same, and where they are
/// wider more of its points lie outside that box. If the first points have roles, they keep them, and of the others as
/// many are held out as are missing, or as usual_held_out says if that is more. Throws input_error for an unknown or
/// repeated axis, first points that lack one or lie outside, an axis without values, lists of unequal length, a range
/// that is empty or leaves the parameter's own, held-out points that leave none to train on or are among those trained
/// on, or an invalid point.
design make_design(const design_settings& settings, const parameters& base, std::uint64_t seed);

/// Places for more training points, within the ranges of the axes: those of a Sobol sequence, shifted at random for
/// each seed and round, that are possible and not in `there` already. Values of parameters that have to be whole are
/// rounded.
Eigen::MatrixXd candidate_points(const design_settings& settings, const parameters& base, const design& there,
                                 int count, std::uint64_t seed, int round);

/// The first points of the Sobol sequence in the unit cube, unshifted and without the origin: points x axes.
/// Throws input_error if the table has too few dimensions.
Eigen::MatrixXd sobol_points(int points, int axes);

}  // namespace spikesweep
