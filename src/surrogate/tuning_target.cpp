#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <vector>

#include <Eigen/Core>

#include <spikesweep/surrogate/tuning.hpp>

namespace spikesweep {

namespace {

constexpr double unknown_number = std::numeric_limits<double>::quiet_NaN();
/// Slopes in the axes are differences over this [half ranges].
constexpr double slope_step = 0.05;

/// Points that are moved by a number of half ranges along one axis.
Eigen::MatrixXd moved(const emulator& e, const transition_space& space, Eigen::Index axis, double by) {
  const auto a = static_cast<std::size_t>(axis);
  Eigen::MatrixXd out = e.points;
  out.col(axis).array() += by * 0.5 * (space.axis_max[a] - space.axis_min[a]);
  return out;
}

/// Standard errors that were found from few batches each, less scattered: with their median over all points.
void steady(Eigen::Ref<Eigen::VectorXd> errors) {
  std::vector<double> known;
  std::ranges::copy_if(errors, std::back_inserter(known), [](double e) { return std::isfinite(e) && e > 0; });
  if (known.empty()) {
    return;
  }
  const auto middle = known.begin() + static_cast<std::ptrdiff_t>(known.size() / 2);
  std::ranges::nth_element(known, middle);
  for (double& e : errors) {
    e = std::isfinite(e) && e > 0 ? std::sqrt(0.5 * (e * e + *middle * *middle)) : *middle;
  }
}

}  // namespace

bool tuned_as_ratio(const figure& f) {
  return f.compared == comparison::relative || f.compared == comparison::decibel;
}

double tuned_number(const figure& f, double value) {
  if (!tuned_as_ratio(f)) {
    return value;
  }
  return value > 0 ? std::log(value) : unknown_number;
}

tuning_target target_of(const transition_space& space, const emulator& e) {
  tuning_target target;
  std::vector<const emulated_figure*> measured;
  for (const emulated_figure& f : e.figures) {
    if (f.law && figure_named(f.name).tuned) {
      target.figures.emplace_back(figure_named(f.name));
      measured.push_back(&f);
    }
  }
  const Eigen::Index n = e.points.rows();
  for (Eigen::Index i = 0; i < n; ++i) {
    const Eigen::RowVectorXd point = e.points.row(i);
    target.points.emplace_back(point.begin(), point.end());
  }
  target.wanted.resize(n, static_cast<Eigen::Index>(measured.size()));
  target.uncertain.setConstant(n, static_cast<Eigen::Index>(measured.size()), unknown_number);
  for (std::size_t k = 0; k < measured.size(); ++k) {
    const figure& f = target.figures[k];
    const gaussian_process process(measured[k]->measured(e.points), e.lower, e.upper, *measured[k]->law, f.name);
    const auto numbers_at = [&](const Eigen::MatrixXd& points) {
      Eigen::VectorXd numbers = process.predict(points).values;
      // A regression of logarithms gives tuned numbers already.
      if (!measured[k]->in_logarithms) {
        numbers = numbers.unaryExpr([&f](double value) { return tuned_number(f, value); }).eval();
      }
      return numbers;
    };
    const auto column = static_cast<Eigen::Index>(k);
    for (Eigen::Index i = 0; i < n; ++i) {
      const auto at = static_cast<std::size_t>(i);
      const double value = measured[k]->values[at];
      target.wanted(i, column) = tuned_number(f, value);
      target.uncertain(i, column) = measured[k]->standard_errors[at] * (tuned_as_ratio(f) ? 1 / value : 1);
    }
    steady(target.uncertain.col(column));
    Eigen::MatrixXd& slopes = target.slopes.emplace_back(n, e.points.cols());
    for (Eigen::Index a = 0; a < e.points.cols(); ++a) {
      slopes.col(a) =
          (numbers_at(moved(e, space, a, slope_step)) - numbers_at(moved(e, space, a, -slope_step))) / (2 * slope_step);
    }
    // Beside a point without spikes a regression may have none either.
    slopes = slopes.unaryExpr([](double x) { return std::isfinite(x) ? x : 0; }).eval();
  }
  return target;
}

}  // namespace spikesweep
