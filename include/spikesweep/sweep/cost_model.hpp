#pragma once

#include <cstdint>
#include <vector>

#include <Eigen/Core>

#include <spikesweep/store/description.hpp>

namespace spikesweep {

/// Expected work of a task before any was run: the rate of network events, which grows with the external kicks
/// (lambda_E N_E + lambda_I N_I), times the simulated time [events].
double expected_events(const sweep_description& description, int point);

/// What the tasks of a sweep are expected to cost, learned from those that ended: of their own point if some did, and
/// else by recursive least squares (Plackett 1950, Biometrika 37:149) of the logarithm of cost over expected_events()
/// on the axes, linear and quadratic, drawn towards no correction at all where there is little to learn from.
class cost_model {
 public:
  /// The description has to outlive it.
  explicit cost_model(const sweep_description& description);

  /// Of a task of this point [events].
  double expected(int point) const;
  /// The same of a task that goes on up to its limit of simulated time [events].
  double most(int point) const;
  /// A task of this point came to so many events; ignored unless above 0.
  void learn(int point, double events);
  /// Tasks learned from.
  std::int64_t learned() const { return learned_; }

 private:
  struct point_mean {
    double sum = 0;
    std::int64_t tasks = 0;
  };
  /// 1, then each axis from -1 to 1 over its range, then their squares.
  Eigen::VectorXd features(int point) const;

  const sweep_description& description_;
  std::vector<double> first_guess_;  ///< expected_events() of each point.
  Eigen::VectorXd lowest_;
  Eigen::VectorXd range_;
  Eigen::VectorXd weights_;
  Eigen::MatrixXd covariance_;
  std::vector<point_mean> points_;
  std::int64_t learned_ = 0;
};

}  // namespace spikesweep
