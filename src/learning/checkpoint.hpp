#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include <spikesweep/base/huge_pages.hpp>
#include <spikesweep/learning/adamw.hpp>
#include <spikesweep/learning/model.hpp>
#include <spikesweep/learning/settings.hpp>
#include <spikesweep/parallel/communicator.hpp>

namespace spikesweep {

/// What the steps of a training change of one network.
struct network_state {
  long_vector<float> weights;
  long_vector<float> average;  ///< Exponential moving average of the weights; empty without learning.ema_decay.
  adamw optimiser;

  network_state(std::span<const float> first, const adamw_settings& settings, bool averages);
};

/// Both networks of the law.
struct law_state {
  network_state counts;
  network_state profile;
};

/// Where a training stands, beside the member's history.
struct training_state {
  explicit training_state(law_state first) : now(std::move(first)), epoch_begin(now) {}

  law_state now;
  law_state epoch_begin;   ///< At the beginning of the epoch, to go back to should it diverge.
  int epoch = 0;           ///< Epochs done.
  std::int64_t step = 0;   ///< Steps done of the next epoch.
  double counts_loss = 0;  ///< Sums over the rows of these steps [nat].
  double profile_loss = 0;
  double wall_s = 0;     ///< Their wall time.
  bool stopped = false;  ///< Early stopping has ended the training.
  double best_loss = std::numeric_limits<double>::infinity();
  int best_loss_epoch = 0;
  int rollbacks = 0;  ///< Times the training diverged: each halved the learning rate.
  double best_score = std::numeric_limits<double>::infinity();  ///< Of the candidates in closed loop.
  int best_epoch = 0;
  std::vector<float> best_counts;  ///< Weights of the best candidate; empty before the first.
  std::vector<float> best_profile;
};

/// Where a checkpoint is kept, and of which training.
struct checkpoint_place {
  std::filesystem::path path;  ///< Empty: nowhere.
  const learning_settings& settings;
  const std::string& identity;  ///< Of the data: what decides them.
  int features;                 ///< Inputs of the model's networks.
};

/// Rank 0 writes the state of a training under a temporary name and renames it into place; what was there becomes the
/// previous one. Collective.
void write_checkpoint(const communicator& comm, const checkpoint_place& place, const model_member& m,
                      const training_state& state);

/// Restores a training from the checkpoint if one is there; false if not. Where it is missing or damaged, the previous
/// one serves, with a warning. Throws input_error if it belongs to other settings or to a model of other dimensions, or
/// if both are damaged. Collective.
bool read_checkpoint(const communicator& comm, const checkpoint_place& place, model_member& m, training_state& state);

}  // namespace spikesweep
