#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include <spikesweep/learning/model.hpp>
#include <spikesweep/learning/training_data.hpp>
#include <spikesweep/parallel/communicator.hpp>

namespace spikesweep {

/// Mean relative errors of E and I rates in closed loop at the selection points.
struct closed_loop_score {
  double error_E = 0;
  double error_I = 0;

  double total() const { return error_E + error_I; }
};

/// One update of the weights.
struct step_record {
  int epoch = 0;          ///< Counted from 1.
  std::int64_t step = 0;  ///< Of the epoch, counted from 0.
  double learning_rate = 0;
  double counts = 0;            ///< Mean losses over the batch, before the update [nat].
  double profile = 0;           ///< Likewise.
  double counts_gradient = 0;   ///< Euclidean norms of the gradients, before clipping.
  double profile_gradient = 0;  ///< Likewise.
};

struct training_options {
  learning_settings settings;
  /// Runs a model in closed loop at the selection points; called on every rank, returns the same on all. Collective.
  std::function<closed_loop_score(const model&)> score;
  /// Tunes the trained model; called by train_members on every rank, may be empty. Collective. Throws interrupted_error
  /// when asked to stop; the same command then tunes anew.
  std::function<void(model&)> tune;
  /// What decides the data; a checkpoint of other data is refused.
  std::string identity;
  /// Where to keep the state, and to resume from if it is there; empty: nowhere. The one before is kept, too, in case
  /// that the last was not written out.
  std::filesystem::path checkpoint;
  /// Wall time between checkpoints within an epoch [s]; there is one at the end of each.
  double checkpoint_every_s = 60;
  /// Learning rate of an update, counted from 0, in place of the schedule of the settings; may be empty.
  std::function<double(std::int64_t step)> rate;
  /// Called on every rank after an update; may be empty.
  std::function<void(const step_record&)> step;
  /// Called on every rank after an epoch.
  std::function<void(const epoch_record&, int epochs)> progress;
  /// Asked on rank 0 after every update; true ends the training resumably.
  std::function<bool()> interrupted;
};

/// Trains a prepared model, leaving in it the weights of the candidate epoch that was best in closed loop.
/// Data-parallel: the gradient of every batch is all-reduced from one flat buffer. Collective; the same on every rank.
/// Throws interrupted_error when asked to stop, after writing the checkpoint.
void train(const communicator& comm, const training_data& data, const training_options& options, model& m);

/// Where the checkpoint before the last is: whole even if the last one is not.
std::filesystem::path previous_checkpoint(const std::filesystem::path& last);

/// Updates the weights of a prepared model, batch after batch and epoch after epoch, until `go_on` returns false: no
/// checkpoint, no selection, no rollback. `go_on` is called on every rank and returns the same on all. Collective.
/// Throws divergence_error, on every rank, when a gradient is no longer finite.
void train_steps(const communicator& comm, const training_data& data, const training_options& options, model& m,
                 const std::function<bool(const step_record&)>& go_on);

}  // namespace spikesweep
