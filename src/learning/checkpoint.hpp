#pragma once

#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include <boost/mpi/communicator.hpp>

#include <spikesweep/learning/adamw.hpp>
#include <spikesweep/learning/model.hpp>
#include <spikesweep/learning/settings.hpp>

namespace spikesweep {

/// Where a training stands, beside the model's weights and history and the optimisers' moments.
struct training_state {
  int epoch = 0;         ///< Epochs done.
  bool stopped = false;  ///< Early stopping has ended the training.
  double best_loss = std::numeric_limits<double>::infinity();
  int best_loss_epoch = 0;
  int rollbacks = 0;  ///< Times the training diverged: each halved the learning rate.
  double best_score = std::numeric_limits<double>::infinity();  ///< Of the candidates in closed loop.
  int best_epoch = 0;
  std::vector<float> best_counts;  ///< Weights of the best candidate; empty before the first.
  std::vector<float> best_profile;
};

/// Rank 0 writes the state of a training under a temporary name and renames it into place. Collective.
void write_checkpoint(const boost::mpi::communicator& comm, const std::filesystem::path& path,
                      const learning_settings& settings, const std::string& identity, const model& m,
                      const adamw& counts, const adamw& profile, const training_state& state);

/// Restores a training if the checkpoint is there; false if not. Throws input_error if it belongs to other settings or
/// to a model of other dimensions. Collective.
bool read_checkpoint(const boost::mpi::communicator& comm, const std::filesystem::path& path,
                     const learning_settings& settings, const std::string& identity, model& m, adamw& counts,
                     adamw& profile, training_state& state);

}  // namespace spikesweep
