#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <spikesweep/base/error.hpp>
#include <spikesweep/learning/emulator.hpp>

namespace spikesweep {

namespace {

using row_major = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

constexpr const char* emulator_group = "emulator";

std::vector<double> numbers_of(const Eigen::VectorXd& v) {
  return {v.begin(), v.end()};
}

Eigen::VectorXd column_of(const std::vector<double>& numbers) {
  return Eigen::Map<const Eigen::VectorXd>(numbers.data(), static_cast<Eigen::Index>(numbers.size()));
}

[[noreturn]] void fail_emulator(const hdf5::group& where, const std::string& fault) {
  throw input_error(fmt::format("{}: {} {}; the file is damaged: restore it, or train again", where.where().file,
                                where.where().path, fault));
}

void write_figure(hdf5::group& figures, const emulated_figure& f) {
  const figure& row = figure_named(f.name);
  hdf5::group to = figures.create_group(f.name);
  to.write_array("value", f.values, {row.unit, row.words + ", as the sweep measured it at each point"});
  to.write_array("standard_error", f.standard_errors, {row.unit, "standard error of it"});
  to.write_scalar<std::uint8_t>("in_logarithms", f.in_logarithms ? 1 : 0,
                                {"1", "1: the regression is of the natural logarithm"});
  to.write_string("reason", f.reason, {"1", "why there is no regression; empty if there is one"});
  if (f.law) {
    const std::string unit = f.in_logarithms ? "1" : row.unit;
    const std::string square = unit == "1" ? "1" : "(" + unit + ")^2";
    to.write_array("length", numbers_of(f.law->lengths), {"axes/unit", "length of the covariance along each axis"});
    to.write_scalar("signal", f.law->signal, {square, "variance of the figure over the box"});
    to.write_scalar("nugget", f.law->nugget, {square, "variance of the values beside their known noise"});
    to.write_scalar("mean", f.law->mean, {unit, "value far from all points"});
    to.write_scalar("log_likelihood", f.law->log_likelihood, {"1", "of the measured values"});
    to.write_scalar("last_step", f.law->last_step, {"1", "how exactly the maximum of the likelihood was reached"});
  }
}

emulated_figure read_figure(const hdf5::group& from, const std::string& name, std::size_t points, std::size_t axes) {
  emulated_figure f;
  f.name = name;
  f.values = from.read_array<double>("value");
  f.standard_errors = from.read_array<double>("standard_error");
  f.in_logarithms = from.read_scalar<std::uint8_t>("in_logarithms") != 0;
  f.reason = from.read_string("reason");
  if (f.values.size() != points || f.standard_errors.size() != points) {
    fail_emulator(from, "does not have one value for each point");
  }
  for (std::size_t i = 0; i < points; ++i) {
    const bool value_fits = std::isfinite(f.values[i]) && (!f.in_logarithms || f.values[i] > 0);
    const bool error_fits = std::isfinite(f.standard_errors[i]) && f.standard_errors[i] > 0;
    const bool fits = std::isnan(f.values[i]) || (value_fits && (error_fits || std::isnan(f.standard_errors[i])));
    if (!fits) {
      fail_emulator(from, fmt::format("has no possible value at point {}", i + 1));
    }
  }
  if (from.has("length")) {
    process_law law;
    law.lengths = column_of(from.read_array<double>("length"));
    law.signal = from.read_scalar<double>("signal");
    law.nugget = from.read_scalar<double>("nugget");
    law.mean = from.read_scalar<double>("mean");
    law.log_likelihood = from.read_scalar<double>("log_likelihood");
    law.last_step = from.read_scalar<double>("last_step");
    const auto is_variance = [](double x) { return std::isfinite(x) && x >= 0; };
    if (static_cast<std::size_t>(law.lengths.size()) != axes || !(law.lengths.array() > 0).all() ||
        !is_variance(law.signal) || !is_variance(law.nugget)) {
      fail_emulator(from, "holds no possible law of a regression");
    }
    f.law = std::move(law);
  }
  return f;
}

}  // namespace

void write_emulator(hdf5::group& root, const emulator& e, const std::vector<std::string>& axes) {
  if (e.figures.empty()) {
    return;
  }
  hdf5::group to = root.create_group(emulator_group);
  const row_major points = e.points;
  to.write_array<double>("points", {points.data(), static_cast<std::size_t>(points.size())},
                         {static_cast<hdf5::length>(points.rows()), axes.size()},
                         {"axes/unit", "points that the figures were measured at"});
  to.write_array("lower", numbers_of(e.lower), {"axes/unit", "lower end of each axis of the design"});
  to.write_array("upper", numbers_of(e.upper), {"axes/unit", "upper end of each axis of the design"});
  hdf5::group figures = to.create_group("figures");
  for (const emulated_figure& f : e.figures) {
    write_figure(figures, f);
  }
}

emulator read_emulator(const hdf5::group& root, std::size_t axes) {
  emulator e;
  if (!root.has(emulator_group)) {
    return e;
  }
  const hdf5::group from = root.open_group(emulator_group);
  const auto points = from.read_array<double>("points");
  e.lower = column_of(from.read_array<double>("lower"));
  e.upper = column_of(from.read_array<double>("upper"));
  const auto width = static_cast<Eigen::Index>(axes);
  if (axes == 0 ? !points.empty() : points.size() % axes != 0) {
    fail_emulator(from, "has points that do not fit the axes");
  }
  const std::size_t count = axes == 0 ? 0 : points.size() / axes;
  if (e.lower.size() != width || e.upper.size() != width || count > static_cast<std::size_t>(most_emulated_points)) {
    fail_emulator(from, "has a box or points that do not fit the axes");
  }
  const bool finite = std::ranges::all_of(points, [](double x) { return std::isfinite(x); });
  if (!finite || !e.lower.allFinite() || !e.upper.allFinite()) {
    fail_emulator(from, "has points or a box that are not finite everywhere");
  }
  e.points = Eigen::Map<const row_major>(points.data(), static_cast<Eigen::Index>(count), width);
  const hdf5::group figures = from.open_group("figures");
  for (const figure& f : predicted_figures()) {  // A file of another version may lack some, and have others.
    if (figures.has(f.name)) {
      e.figures.push_back(read_figure(figures.open_group(f.name), f.name, count, axes));
    }
  }
  return e;
}

}  // namespace spikesweep
