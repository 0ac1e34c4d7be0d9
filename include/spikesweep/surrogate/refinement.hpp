#pragma once

#include <functional>
#include <span>
#include <vector>

#include <Eigen/Core>

#include <spikesweep/learning/model.hpp>
#include <spikesweep/parallel/communicator.hpp>
#include <spikesweep/surrogate/settings.hpp>

namespace spikesweep {

/// Active sampling. The members of an ensemble differ in their seeds alone. Where they disagree in closed loop, the
/// training data do not determine the law, and a new point there teaches most.

/// How far members disagree about a rate beyond the noise of their closed loops: the variance of the members' means
/// less the mean variance of such a mean, over the squared mean of all. Without bias, so it may be negative; 0 where
/// nothing fires. `rates`: members x chains, two or more of each.
double excess_variance(const Eigen::Ref<const Eigen::MatrixXd>& rates);

/// The relative disagreement at each candidate from its excess variances (0 where they are negative), averaged over
/// the candidates around it within about the spacing of so many: noise differs between neighbours, what the members
/// know does not. `candidates`: points x axes in the unit cube.
std::vector<double> smooth_disagreement(const Eigen::Ref<const Eigen::MatrixXd>& candidates,
                                        std::span<const double> excess);

/// Picks up to `count` candidates, one after another, each where knowing the law takes most off the mean square error
/// over all candidates (active learning after Cohn 1996, doi 10.1016/0893-6080(95)00137-9). The errors are taken to be
/// Gaussian, as large as the disagreement, correlated by exp(-r^2 / 2 s^2), with s the spacing that all points would
/// have on a lattice, and known where a point is trained on. So picks go where members disagree over a region rather
/// than at a corner, spread out, and fill the gaps where members agree everywhere. Never picks the same place twice, or
/// one that is trained on. `candidates`, `trained`: points x axes in the unit cube; takes 8 bytes times the square of
/// the number of each.
std::vector<int> pick_points(const Eigen::Ref<const Eigen::MatrixXd>& candidates, std::span<const double> disagreement,
                             const Eigen::Ref<const Eigen::MatrixXd>& trained, int count);

/// Runs every member in closed loop at every candidate (points x axes, in the parameters' units) and returns the excess
/// variances of the E and the I rate, added up. The ranks share the candidates out; the outcome is the same for any
/// number of them. `stop` is asked now and then on rank 0. Collective. Throws interrupted_error if it said so.
std::vector<double> measure_disagreement(const communicator& comm, const model& m,
                                         const Eigen::Ref<const Eigen::MatrixXd>& candidates,
                                         const refine_settings& settings, const std::function<bool()>& stop);

}  // namespace spikesweep
