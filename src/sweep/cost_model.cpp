#include <algorithm>
#include <cmath>

#include <spikesweep/network/section_rule.hpp>
#include <spikesweep/sweep/cost_model.hpp>

namespace spikesweep {

namespace {

// Measured at the canonical and the cai2021 sets: 1.7 events in all for each external kick.
constexpr double events_per_kick = 1.7;
// `mfe` and `volley`: about 41 events a second at the canonical set, each an active and a quiet phase.
constexpr double mean_phase_s = 0.012;
constexpr double ms_per_s = 1000;
/// Variance of a weight before anything was learned, over that of a task's log cost about the model: costs differ from
/// the first guess by up to a factor of e or so, and tasks of a point among themselves by a tenth of that.
constexpr double prior_variance = 100;

/// In a second of simulated time.
double events_per_second(const sweep_description& d, int point) {
  return events_per_kick * parameters_at(d.points, d.base, point).external_kicks();
}

}  // namespace

double expected_events(const sweep_description& d, int point) {
  const double phase_s = d.section.kind == section_kind::interval ? d.section.interval_ms / ms_per_s : mean_phase_s;
  const sampling_settings& s = d.sampling;
  const double rows_a_section = 1 + s.perturb_share * s.perturb_phases + s.synthetic_share;
  const double row_s = phase_s + s.synthetic_share * s.synthetic_s / rows_a_section;
  const double simulated_s = lead_in_s(d.section, s.burn_in_s) + static_cast<double>(s.transitions) * row_s;
  return events_per_second(d, point) * simulated_s;
}

cost_model::cost_model(const sweep_description& description)
    : description_(description), points_(static_cast<std::size_t>(description.points.size())) {
  const auto& points = description.points.points;
  const Eigen::Index axes = points.rows() > 0 ? points.cols() : 0;
  const Eigen::Index size = 1 + 2 * axes;
  lowest_ = Eigen::VectorXd::Zero(axes);
  range_ = Eigen::VectorXd::Zero(axes);
  if (axes > 0) {
    lowest_ = points.colwise().minCoeff().transpose();
    range_ = points.colwise().maxCoeff().transpose() - lowest_;
  }
  for (int point = 0; point < description.points.size(); ++point) {
    first_guess_.push_back(std::max(1.0, expected_events(description, point)));
  }
  weights_ = Eigen::VectorXd::Zero(size);
  covariance_ = prior_variance * Eigen::MatrixXd::Identity(size, size);
}

Eigen::VectorXd cost_model::features(int point) const {
  const Eigen::Index axes = range_.size();
  Eigen::VectorXd out = Eigen::VectorXd::Ones(1 + 2 * axes);
  for (Eigen::Index axis = 0; axis < axes; ++axis) {
    const double from_lowest = description_.points.points(point, axis) - lowest_[axis];
    const double x = range_[axis] > 0 ? 2 * from_lowest / range_[axis] - 1 : 0;
    out[1 + axis] = x;
    out[1 + axes + axis] = x * x;
  }
  return out;
}

double cost_model::expected(int point) const {
  const point_mean& own = points_[static_cast<std::size_t>(point)];
  if (own.tasks > 0) {
    return own.sum / static_cast<double>(own.tasks);
  }
  const double guess = first_guess_[static_cast<std::size_t>(point)];
  return learned_ > 0 ? guess * std::exp(weights_.dot(features(point))) : guess;
}

double cost_model::most(int point) const {
  const double first_guess = first_guess_[static_cast<std::size_t>(point)];
  const double up_to_limit = events_per_second(description_, point) * description_.sampling.max_simulated_s;
  return expected(point) / first_guess * (first_guess + up_to_limit);
}

void cost_model::learn(int point, double events) {
  if (!(events > 0)) {
    return;
  }
  point_mean& own = points_[static_cast<std::size_t>(point)];
  own.sum += events;
  ++own.tasks;
  ++learned_;
  const Eigen::VectorXd x = features(point);
  const Eigen::VectorXd gain = covariance_ * x / (1 + x.dot(covariance_ * x));
  const double guess = first_guess_[static_cast<std::size_t>(point)];
  weights_ += gain * (std::log(events / guess) - weights_.dot(x));
  covariance_ -= gain * (covariance_ * x).transpose();
}

}  // namespace spikesweep
