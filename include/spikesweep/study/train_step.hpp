#pragma once

#include <filesystem>
#include <string>

#include <spikesweep/learning/model.hpp>
#include <spikesweep/parallel/rank_context.hpp>
#include <spikesweep/study/config.hpp>
#include <spikesweep/sweep/damage.hpp>

namespace spikesweep {

/// Throws input_error on every rank if the config asks for a number format that the CPU of a rank lacks. Collective.
void check_precision(const rank_context& job, const configuration& config);

/// Throws input_error if the config describes another sweep than the file holds. A config without axes describes no
/// sweep and fits every file. Rank-local.
void check_same_sweep(const configuration& config, const std::filesystem::path& sweep_file);

/// What is done with a checkpoint beside the model file that is of another training.
enum class foreign_checkpoint { refuse, keep_aside };

/// Trains a surrogate, or an ensemble of surrogates, on a sweep file and saves it. Resumes from the checkpoints beside
/// the model file. Writes one JSON line per epoch to MODEL.h5.log.jsonl. Returns the model on every rank. `tested`:
/// what this process knows of the checksums of the sweep, and learns; may be null. Collective. Throws interrupted_error
/// after a signal; the checkpoints are then on disk.
model train_surrogate(const rank_context& job, const configuration& config, const std::filesystem::path& sweep_file,
                      const std::filesystem::path& model_file, foreign_checkpoint foreign = foreign_checkpoint::refuse,
                      tested_tasks* tested = nullptr);

}  // namespace spikesweep
