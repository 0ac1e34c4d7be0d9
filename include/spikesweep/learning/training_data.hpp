#pragma once

#include <cstdint>
#include <vector>

#include <boost/mpi/communicator.hpp>

#include <spikesweep/learning/dataset.hpp>
#include <spikesweep/learning/model.hpp>
#include <spikesweep/learning/shard_plan.hpp>
#include <spikesweep/store/sweep_file.hpp>

namespace spikesweep {

/// A selection point with the rates that the sweep measured there.
struct selection_point {
  int point = 0;
  std::vector<double> values;  ///< One an axis.
  double rate_E_hz = 0;
  double rate_I_hz = 0;
};

/// What one rank holds for training.
struct training_data {
  shard_plan plan;
  dataset train;                                  ///< This rank's shards.
  dataset selection;                              ///< This rank's share of the selection rows.
  std::vector<selection_point> selection_points;  ///< All of them, on every rank.
};

/// Reads this rank's share of a sweep file and prepares a model's space, scales, start states and rates from it.
/// Collective. Throws input_error if the file holds no finished training points, fewer training rows than shards, or
/// more ranks than shards are used.
training_data load_training_data(const boost::mpi::communicator& comm, const sweep_reader& file,
                                 const learning_settings& settings, model& m);

}  // namespace spikesweep
