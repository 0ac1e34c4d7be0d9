#pragma once

#include <functional>
#include <span>
#include <vector>

#include <Eigen/Core>
#include <boost/mpi/communicator.hpp>

#include <spikesweep/learning/model.hpp>
#include <spikesweep/surrogate/settings.hpp>

namespace spikesweep {

/// Active sampling: where the members of an ensemble, trained alike but for their seeds, disagree in closed loop, what
/// they were trained on leaves the law open, and a point there teaches most.

/// How far members disagree about a rate beyond the noise of their closed loops: the variance of the members' means
/// less the mean variance of such a mean, over the squared mean of all. Without bias, so it may be negative; 0 where
/// nothing fires. `rates`: members x chains, two or more of each.
double excess_variance(const Eigen::Ref<const Eigen::MatrixXd>& rates);

/// The relative disagreement at each candidate from its excess variances (0 where they are negative), averaged over
/// the candidates around it within about the spacing of so many: noise differs between neighbours, what the members
/// know does not. `candidates`: points x axes in the unit cube.
std::vector<double> smooth_disagreement(const Eigen::Ref<const Eigen::MatrixXd>& candidates,
                                        std::span<const double> excess);

/// Picks up to `count` candidates, one after another: the largest disagreement times 1 - exp(-d^2 / 2 s^2), with d the
/// distance to the nearest point trained on or picked, and s the spacing that all of these would have on a lattice. So
/// the picks of a round spread out, and where members agree everywhere the gaps are filled. Never picks the same place
/// twice, or one that is trained on. `candidates`, `trained`: points x axes in the unit cube.
std::vector<int> pick_points(const Eigen::Ref<const Eigen::MatrixXd>& candidates, std::span<const double> disagreement,
                             const Eigen::Ref<const Eigen::MatrixXd>& trained, int count);

/// Runs every member in closed loop at every candidate (points x axes, in the parameters' units) and returns the excess
/// variances of the E and the I rate, added up. The ranks share the candidates out; the outcome is the same for any
/// number of them. `stop` is asked now and then on rank 0. Collective. Throws interrupted_error if it said so.
std::vector<double> measure_disagreement(const boost::mpi::communicator& comm, const model& m,
                                         const Eigen::Ref<const Eigen::MatrixXd>& candidates,
                                         const refine_settings& settings, const std::function<bool()>& stop);

}  // namespace spikesweep
