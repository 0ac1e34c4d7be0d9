#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <spikesweep/learning/model.hpp>
#include <spikesweep/learning/training_data.hpp>
#include <spikesweep/parallel/communicator.hpp>

namespace spikesweep {

/// Candidates are spread over this last share of the epochs; the last epoch is one of them.
inline constexpr double candidate_share = 0.4;

/// Mean relative errors of E and I rates in closed loop at the selection points.
struct closed_loop_score {
  double error_E = 0;  ///< Not a number if nothing was measured.
  double error_I = 0;

  double total() const { return error_E + error_I; }
};

/// One update of the weights.
struct step_record {
  int epoch = 0;          ///< Counted from 1.
  std::int64_t step = 0;  ///< Of the epoch, counted from 0.
  double learning_rate = 0;
  double counts = 0;            ///< Mean loss of the counts' network over the batch, before the update [nat].
  double profile = 0;           ///< Mean loss of the profile's network over the batch, before the update [nat].
  double counts_gradient = 0;   ///< Euclidean norm of the gradient of the counts' network, before clipping.
  double profile_gradient = 0;  ///< Euclidean norm of the gradient of the profile's network, before clipping.
};

struct training_options {
  learning_settings settings;
  /// Runs a model in closed loop at the selection points. It is called on every rank and returns the same on all ranks.
  /// Collective.
  std::function<closed_loop_score(const model&)> score;
  /// Tunes the trained model; may be empty. train_members calls it on every rank. Collective. It throws
  /// interrupted_error if it is asked to stop; the same command then tunes again from the start.
  std::function<void(model&)> tune;
  /// Text that names everything that decides the training data. A checkpoint of other data is refused.
  std::string identity;
  /// Parts of `identity` that a checkpoint of an earlier version may lack, such as "sweep.synthetic_share=0": settings
  /// that were added later, with the values that were in force before.
  std::vector<std::string> implied;
  /// The checkpoint file. Training writes its state there, and resumes from it if it exists; empty: no checkpoint. The
  /// checkpoint before the last is kept too, for the case that the last one is damaged.
  std::filesystem::path checkpoint;
  /// Wall time between checkpoints within an epoch [s]. There is also a checkpoint at the end of each epoch.
  double checkpoint_every_s = 60;
  /// The learning rate of each update, counted from 0. If it is empty, the schedule of the settings holds.
  std::function<double(std::int64_t step)> rate;
  /// Called on every rank after an update; may be empty.
  std::function<void(const step_record&)> step;
  /// Called on every rank after an epoch.
  std::function<void(const epoch_record&, int epochs)> progress;
  /// Called on rank 0 after every update. If it returns true, the training writes a checkpoint and ends.
  std::function<bool()> interrupted;
};

/// Trains the surrogate of a prepared model, and leaves in it the weights of the candidate epoch that was best in
/// closed loop. Each rank computes the gradient of its rows of a batch, and one all-reduce of a flat buffer sums them.
/// Collective; the same on every rank. If it is asked to stop, it writes the checkpoint and throws interrupted_error.
void train(const communicator& comm, const training_data& data, const training_options& options, model& m);

/// The file of the checkpoint before the last one. It is complete even if the last one is not.
std::filesystem::path previous_checkpoint(const std::filesystem::path& last);

/// Whether a checkpoint is of the training of these options, as far as its settings and its data tell; true if there is
/// none, false if it cannot be read. Rank-local.
bool belongs_to(const std::filesystem::path& checkpoint, const training_options& options);

/// Updates the weights of a prepared model, batch after batch and epoch after epoch, until `go_on` returns false. It
/// writes no checkpoint, selects no epoch and never goes back. `go_on` is called on every rank and returns the same on
/// all ranks. Collective. Throws divergence_error on every rank if a gradient is not finite.
void train_steps(const communicator& comm, const training_data& data, const training_options& options, model& m,
                 const std::function<bool(const step_record&)>& go_on);

}  // namespace spikesweep
