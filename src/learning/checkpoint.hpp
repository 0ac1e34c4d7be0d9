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

/// The part of a training's state that belongs to one network.
struct network_state {
  long_vector<float> weights;
  long_vector<float> average;  ///< Exponential moving average of the weights; empty without learning.ema_decay.
  adamw optimiser;

  network_state(std::span<const float> first, const adamw_settings& settings, bool averages);
};

/// The states of both networks of the law.
struct law_state {
  network_state counts;
  network_state profile;
};

/// The state of a training, without the member's history.
struct training_state {
  explicit training_state(law_state first) : now(std::move(first)), epoch_begin(now) {}

  law_state now;
  law_state epoch_begin;    ///< The networks at the beginning of the epoch. Training goes back to it if it diverges.
  int epoch = 0;            ///< Number of finished epochs.
  std::int64_t step = 0;    ///< Number of finished steps of the next epoch.
  double counts_loss = 0;   ///< Sum of the loss over the rows of these steps [nat].
  double profile_loss = 0;  ///< Sum of the loss over the rows of these steps [nat].
  double wall_s = 0;        ///< Wall time of these steps [s].
  bool stopped = false;     ///< Early stopping has ended the training.
  double best_loss = std::numeric_limits<double>::infinity();
  int best_loss_epoch = 0;
  int rollbacks = 0;  ///< How often the training diverged; each time halved the learning rate.
  double best_score = std::numeric_limits<double>::infinity();  ///< Best score of a candidate in closed loop.
  int best_epoch = 0;
  std::vector<float> best_counts;  ///< Weights of the best candidate; empty before the first candidate.
  std::vector<float> best_profile;
};

/// A training that diverged goes back to the end of an epoch at most so often.
inline constexpr int most_rollbacks = 3;

/// Where a checkpoint is written, and what identifies its training.
struct checkpoint_place {
  std::filesystem::path path;  ///< Empty: no checkpoint is written.
  const learning_settings& settings;
  const std::string& identity;              ///< Text that names everything that decides the data.
  const std::vector<std::string>& implied;  ///< Parts of it that an earlier version did not write.
  int features;                             ///< Inputs of the model's networks.
  std::int64_t steps_per_epoch;
};

/// Rank 0 writes the state of a training under a temporary name and renames the file to its place. The file that was
/// there becomes the previous checkpoint. Collective.
void write_checkpoint(const communicator& comm, const checkpoint_place& place, const model_member& m,
                      const training_state& state);

/// Restores a training from its checkpoint; returns false if there is none. If the checkpoint is missing or damaged,
/// the previous one is used, with a warning. Throws input_error if the checkpoint belongs to other settings or to a
/// model of other dimensions, or if both checkpoints are damaged, and format_error if a newer version made it.
/// Collective.
bool read_checkpoint(const communicator& comm, const checkpoint_place& place, model_member& m, training_state& state);

}  // namespace spikesweep
