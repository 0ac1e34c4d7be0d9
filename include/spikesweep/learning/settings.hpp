#pragma once

#include <cstdint>
#include <span>

#include <spikesweep/base/setting.hpp>
#include <spikesweep/learning/precision.hpp>

namespace spikesweep {

/// An ensemble has at most this many members.
inline constexpr int most_members = 100;

/// How the surrogate is built and trained.
struct learning_settings {
  int hidden = 256;       ///< Units of each hidden layer.
  int layers = 3;         ///< Hidden layers of each of the two networks.
  int components = 10;    ///< Components of the mixture over counts and duration.
  int epochs = 24;        ///< Passes over the training rows.
  int batch = 512;        ///< Rows of a global batch, over all ranks.
  int shards = 64;        ///< Parts of the training rows; a batch takes equally many rows of each. At least the ranks.
  int slices = 4;         ///< Parts of a batch that are summed exactly; up to this many ranks train to the same bits.
  int buffer_MiB = 4096;  ///< Memory for training rows, over all ranks [MiB]; more rows are streamed.
  precision numbers = precision::fp32;  ///< Number type of the products in training; weights and sums are fp32.
  double learning_rate = 2e-3;          ///< Peak learning rate of AdamW.
  double weight_decay = 1e-2;           ///< Decoupled weight decay of AdamW.
  double warmup_share = 0.05;           ///< Share of all steps over which the learning rate rises.
  double gradient_clip = 1.0;           ///< Largest Euclidean norm of the gradient.
  double ema_decay = 0;      ///< Decay of the moving average of the weights, which becomes the model; 0: no average.
  int patience = 0;          ///< Training stops after this many epochs without a better selection loss; 0: never.
  int candidates = 4;        ///< Number of late epochs compared in closed loop; the best becomes the model.
  double selection_s = 8;    ///< Length of the closed loop at each selection point [s].
  int selection_chains = 4;  ///< Closed loops run side by side at each selection point.
  double tuning_s = 4;       ///< Length of the closed loop at each point in a round of tuning [s]; 0: no tuning.
  int members = 1;           ///< Members of the model; member k is trained with seed + k. Above 1: an ensemble.
  std::uint64_t seed = 1;    ///< Seed of weights, shuffles and noise.

  bool operator==(const learning_settings&) const = default;
};

/// Every setting of learning: the keys of [learning], and what a checkpoint is compared by.
std::span<const setting<learning_settings>> learning_table();

}  // namespace spikesweep
